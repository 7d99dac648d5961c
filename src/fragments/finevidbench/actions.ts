import { fileURLToPath } from "node:url";
import { readCsvRows } from "../../core/csv.ts";
import { DataFormatError } from "../../core/errors.ts";
import { readTextFile, sha256 } from "../../core/files.ts";

/** How hard an action is to see: recognised at a glance, of flexible form, or hardly moving. */
export type ActionClass = "distinctive" | "non-typical" | "slight-movement";

/** Verbs whose motion hangs on what they are done with. */
const flexible = new Set(
  "bring come do fill get give go join leave lift load lower make move open close pass pick place pull push put raise remove set slide take turn use".split(
    " ",
  ),
);
/** Verbs with hardly any motion. */
const slight = new Set(
  "gaze hesitate hold laugh listen look nod point pose pray read rest show smile sniff stare talk touch wait watch whisper".split(
    " ",
  ),
);

/** The verb of an action without its particle: "pick" of "pick up". */
export const bareVerb = (action: string): string => action.split(" ", 1)[0]!;

/**
 * The class of an action by its verb.
 *
 * @source SF2T (arXiv 2504.07745), Figure 2 names the classes; which verbs belong to them is ours
 */
export const actionClassOf = (action: string): ActionClass => {
  const verb = bareVerb(action);
  if (slight.has(verb)) return "slight-movement";
  return flexible.has(verb) ? "non-typical" : "distinctive";
};

/** Verbs of two syllables that are stressed on the first: their last consonant stays single. */
const unstressedEnd = /(?:[aeiou][^aeiou]+(?:er|en|el|on|et|ow|it|op)|box|fix|mix)$/;

const gerundOfVerb = (verb: string): string => {
  if (/ie$/.test(verb)) return `${verb.slice(0, -2)}ying`;
  if (/[^eoy]e$/.test(verb)) return `${verb.slice(0, -1)}ing`;
  const doubles = /(?:^|[^aeiou])[aeiou][bdfgklmnprstvz]$/.test(verb) && !unstressedEnd.test(verb);
  return doubles ? `${verb}${verb.at(-1)}ing` : `${verb}ing`;
};

/** An action as an option says it: "picking up" of "pick up". */
export const gerundOf = (action: string): string =>
  action.replace(/^[^ ]+/, (verb) => verb.replace(/[^-]+$/, gerundOfVerb));

/** Actions that look alike, and which those are. */
export interface VisualSynonyms {
  /** Other actions with the same motion; empty for one that nobody listed. A particle may be missing in the list. */
  of(action: string): readonly string[];
  readonly actions: readonly string[];
}

const listFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Content of the maintained lists, by file name: with other lists equal clips give other questions. */
export const listHashes = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ["effects.csv", "visual-synonyms.csv"].map((name) => [name, sha256(readTextFile(listFile(name)))]),
  );

/**
 * The maintained list of actions with the same motion, and pairs of a person's own besides.
 *
 * @param more a CSV file with the columns one, other, motion
 * @throws {DataFormatError} for a pair that stands twice, or of one action
 */
export const readVisualSynonyms = (more?: string): VisualSynonyms => {
  const known = new Map<string, string[]>();
  const add = (action: string, other: string, where: string): void => {
    const others = known.get(action) ?? [];
    if (others.includes(other) || action === other)
      throw new DataFormatError("a pair of visual synonyms that is none, or stands twice", {
        where,
        expected: "two different actions, each pair once",
        got: `${action}, ${other}`,
      });
    known.set(action, [...others, other]);
  };
  for (const file of [listFile("visual-synonyms.csv"), ...(more === undefined ? [] : [more])])
    for (const { fields, where } of readCsvRows(file, ["one", "other", "motion"])) {
      const [one, other] = [fields["one"]!, fields["other"]!].map((text) => text.trim().toLowerCase());
      add(one!, other!, where);
      add(other!, one!, where);
    }
  return {
    of: (action) => known.get(action) ?? known.get(bareVerb(action)) ?? [],
    actions: [...known.keys()],
  };
};

/** A change that an action leaves behind, and the one that the same film leaves when it runs backwards. */
export interface ActionEffect {
  readonly change: string;
  readonly opposite: string;
}

interface ListedEffect extends ActionEffect {
  readonly verbs: readonly string[];
  readonly oppositeVerbs: readonly string[];
}

const listedEffects = (): ListedEffect[] =>
  readCsvRows(listFile("effects.csv"), ["change", "opposite", "verbs", "oppositeVerbs"]).map(
    ({ fields }) => ({
      change: fields["change"]!,
      opposite: fields["opposite"]!,
      verbs: fields["verbs"]!.split(";"),
      oppositeVerbs: fields["oppositeVerbs"]!.split(";"),
    }),
  );

/** What changes can be asked about. */
export interface Effects {
  /** What the actions of a clip leave behind, the last action first; none whose opposite happens as well. */
  of(actions: readonly string[]): readonly ActionEffect[];
  readonly all: readonly ActionEffect[];
}

/** The list of changes, read once. */
export const readEffects = (): Effects => {
  const listed = listedEffects();
  const has = (verbs: readonly string[], action: string): boolean =>
    verbs.includes(action) || (!action.includes(" ") && verbs.includes(bareVerb(action)));
  return {
    all: listed,
    of: (actions) =>
      actions.toReversed().flatMap((action) =>
        listed.flatMap(({ change, opposite, verbs, oppositeVerbs }): ActionEffect[] => {
          const forward = has(verbs, action);
          if (!forward && !has(oppositeVerbs, action)) return [];
          const against = forward ? oppositeVerbs : verbs;
          if (actions.some((other) => has(against, other))) return [];
          return [forward ? { change, opposite } : { change: opposite, opposite: change }];
        }),
      ),
  };
};
