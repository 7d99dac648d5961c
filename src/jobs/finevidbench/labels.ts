import { captionActions } from "../../absent/language/caption-actions.ts";
import { otherLanguage } from "../../absent/language/caption-language.ts";
import { installedWordNet } from "../../absent/language/wordnet.ts";
import { bareVerb } from "../../fragments/finevidbench/actions.ts";
import type { TaughtRow } from "../build/teach-rows.ts";

/** What happens in a clip, and why nothing is known, where that has a reason of its own. */
export interface ClipLabels {
  readonly actions: readonly string[];
  readonly unlabelled?: string;
}

/** The texts that say what happens: captions first, then spans, then what a teacher saw. */
const textsOf = (rows: readonly TaughtRow[]): string[] => {
  const texts = rows.flatMap(({ row, facts }) => [
    ...(row.caption === undefined ? [] : [row.caption]),
    ...(row.events ?? []).map(({ what }) => what),
    ...(row.frameEvents ?? []).map(({ what }) => what),
    ...(facts === undefined ? [] : [facts.caption, ...facts.events.map(({ what }) => what)]),
  ]);
  return [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ""))];
};

/** The visible actions that the rows about a clip name, each once. English only. */
export const labelsOf = (rows: readonly TaughtRow[]): ClipLabels => {
  const wordNet = installedWordNet();
  const texts = textsOf(rows);
  const foreign: string[] = [];
  const actions = texts.flatMap((text) => {
    const other = otherLanguage(text, wordNet);
    if (other !== undefined) {
      foreign.push(other);
      return [];
    }
    // Camera moves and the like have hyphens or no verb in WordNet: no action that could be offered to others.
    return captionActions(text, wordNet)
      .map(({ action }) => action)
      .filter((action) => wordNet.has(bareVerb(action), "verb"));
  });
  const unique = [...new Set(actions)];
  if (unique.length > 0 || texts.length === 0) return { actions: unique };
  const [other] = foreign;
  return {
    actions: [],
    unlabelled:
      other === undefined
        ? "what is said of it names no visible action"
        : `its caption cannot be read, English only: ${other}`,
  };
};

/** True when two actions may be two words for one: the same verb, or verbs that share a meaning in WordNet. */
export const mayBeOne = (): ((a: string, b: string) => boolean) => {
  const wordNet = installedWordNet();
  const known = new Map<string, ReadonlySet<string>>();
  const sameAs = (verb: string): ReadonlySet<string> => {
    const found = known.get(verb) ?? new Set(wordNet.sameSense(verb, "verb"));
    known.set(verb, found);
    return found;
  };
  return (a, b) => {
    const [one, other] = [bareVerb(a), bareVerb(b)];
    const whole = b.replaceAll(" ", "_");
    return one === other || sameAs(one).has(other) || sameAs(a.replaceAll(" ", "_")).has(whole);
  };
};
