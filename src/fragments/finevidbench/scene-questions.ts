import { type Random, seededRandom } from "../../core/random.ts";
import { optionLetter } from "../../grading/options.ts";
import { balancedDraw } from "../draw-samples.ts";
import {
  type ActionClass,
  type ActionEffect,
  actionClassOf,
  gerundOf,
  type VisualSynonyms,
} from "./actions.ts";
import { type FilmSpeed, filmSpeeds } from "./speed-variants.ts";

/** What is known of a clip that scene questions are made of. */
export interface SceneClip {
  /** Place in the whole set. */
  readonly position: number;
  /** What happens, as verbs in the order of the words that say it; empty: nobody said. */
  readonly actions: readonly string[];
  /** The change that the clip's film shows, as it is shown (forwards or backwards); undefined: none is known. */
  readonly effect: ActionEffect | undefined;
}

/** A choice about one film of a clip. */
export interface SceneQuestion {
  readonly question: string;
  readonly options: readonly string[];
  /** Letter of the right option. */
  readonly answer: string;
  readonly action?: string;
  readonly actionClass?: ActionClass;
}

/** Why there is none. */
export interface NoSceneQuestion {
  readonly ruleId: string;
  readonly reason: string;
}

/** Options with the right one at a place that is balanced along the questions of a task. */
const placed = (
  right: string,
  wrong: readonly string[],
  turn: { readonly seed: number; readonly task: string; readonly number: number },
): Pick<SceneQuestion, "options" | "answer"> => {
  const place = balancedDraw(`${turn.task}/place`, turn, wrong.length + 1);
  const others = seededRandom(turn.seed, turn.task, "order", turn.number).shuffled(wrong);
  return { options: others.toSpliced(place, 0, right), answer: optionLetter(place) };
};

/** Knows how often a text is right in the whole set, and was offered so far. */
class Offered {
  readonly #offered = new Map<string, number>();
  readonly #right = new Map<string, number>();
  /** @param rights the right text of every clip */
  constructor(rights: Iterable<string>) {
    for (const text of rights) this.#right.set(text, (this.#right.get(text) ?? 0) + 1);
  }
  add(text: string): void {
    this.#offered.set(text, (this.#offered.get(text) ?? 0) + 1);
  }
  /**
   * Texts in the order in which they serve as wrong ones beside `right`: those that are right for as many other clips as
   * it is, then those that were offered least. So nobody tells the right one by how often it was right or seen elsewhere.
   */
  beside(right: string, texts: readonly string[], random: Random): string[] {
    const elsewhere = this.#right.get(right)! - 1;
    const apart = (text: string): number => Math.abs((this.#right.get(text) ?? 0) - elsewhere);
    const seen = (text: string): number => this.#offered.get(text) ?? 0;
    return random.shuffled(texts).toSorted((a, b) => apart(a) - apart(b) || seen(a) - seen(b));
  }
}

/** How distractors are chosen. */
export interface SceneMeans {
  readonly seed: number;
  readonly synonyms: VisualSynonyms;
  /** True when two actions may be two words for one: neither is a wrong answer where the other is right. */
  readonly areAlike: (a: string, b: string) => boolean;
}

const actionQuestion = "Which of these actions does the video show?";
const effectQuestion = "What has changed between the beginning and the end of the video?";
const speedQuestion = "How fast does the video run?";
const speedOptions: Readonly<Record<FilmSpeed, string>> = {
  slow: "slower than in life",
  normal: "as fast as in life",
  fast: "faster than in life",
  still: "not at all: it is one still picture",
};

/** The action of a clip that is asked about: one that has a visual synonym, drawn. */
const askedAction = (
  { actions, position }: SceneClip,
  { seed, synonyms, areAlike }: SceneMeans,
): { readonly action: string; readonly lookAlike: readonly string[] } | undefined => {
  const usable = actions.flatMap((action) => {
    const lookAlike = synonyms.of(action).filter((one) => !actions.some((own) => areAlike(own, one)));
    return lookAlike.length === 0 ? [] : [{ action, lookAlike }];
  });
  return seededRandom(seed, "asked action", position).shuffled(usable)[0];
};

/** Options of one clip's Action questions. */
export interface ActionChoice {
  readonly action: string;
  readonly wrong: readonly string[];
}

/**
 * For every clip the action that is asked about and three wrong ones: at least one visual synonym, and actions of other
 * clips or of the list that are right elsewhere as often as it is. None fits an action of the clip.
 */
export const chooseActions = (
  clips: readonly SceneClip[],
  means: SceneMeans,
): ReadonlyMap<number, ActionChoice | NoSceneQuestion> => {
  const asked = new Map(clips.map((clip) => [clip.position, askedAction(clip, means)]));
  const rights = [...asked.values()].flatMap((one) => (one === undefined ? [] : [one.action]));
  const known = [...new Set([...rights, ...means.synonyms.actions])];
  const offered = new Offered(rights);
  const chosen = new Map<number, ActionChoice | NoSceneQuestion>();
  for (const clip of clips) {
    const { actions, position } = clip;
    const found = asked.get(position);
    if (found === undefined) {
      const reason =
        actions.length === 0
          ? "nobody says what happens: no caption, span or teacher names a visible action"
          : `no visual synonym is listed for ${actions.slice(0, 5).join(", ")} (--synonyms adds some)`;
      chosen.set(position, { ruleId: actions.length === 0 ? "no-label" : "no-synonym", reason });
      continue;
    }
    const random = seededRandom(means.seed, "wrong actions", position);
    const { action, lookAlike } = found;
    const wrong = [offered.beside(action, lookAlike, random)[0]!];
    const fits = (one: string): boolean =>
      ![...actions, ...wrong].some(
        (other) => means.areAlike(one, other) || gerundOf(one) === gerundOf(other),
      );
    for (const one of offered.beside(action, known, random))
      if (wrong.length < 3 && fits(one)) wrong.push(one);
    for (const one of wrong) offered.add(one);
    chosen.set(position, { action, wrong });
  }
  return chosen;
};

/** The question about a clip's action at one speed. @param number of the question among those of Action */
export const actionQuestionOf = (
  { action, wrong }: ActionChoice,
  number: number,
  { seed }: SceneMeans,
): SceneQuestion => ({
  question: actionQuestion,
  ...placed(gerundOf(action), wrong.map(gerundOf), { seed, task: "action", number }),
  action,
  actionClass: actionClassOf(action),
});

/** For every clip with a known change the other change that is offered beside it and its opposite. */
export const chooseEffects = (
  clips: readonly SceneClip[],
  all: readonly ActionEffect[],
  { seed }: SceneMeans,
): ReadonlyMap<number, ActionEffect | undefined> => {
  const pairOf = ({ change, opposite }: ActionEffect): string => [change, opposite].sort().join("|");
  const known = clips.flatMap(({ effect }) => (effect === undefined ? [] : [pairOf(effect)]));
  const byPair = new Map(all.map((one) => [pairOf(one), one]));
  // Every pair that is right somewhere is offered beside another about as often as it is right.
  const spare = new Map<string, number>();
  for (const pair of known) spare.set(pair, (spare.get(pair) ?? 0) + 1);
  const others = new Map<number, ActionEffect | undefined>();
  for (const { position, effect } of clips) {
    if (effect === undefined) continue;
    const candidates = seededRandom(seed, "other effect", position)
      .shuffled([...byPair.keys()].filter((pair) => pair !== pairOf(effect)))
      .toSorted((a, b) => (spare.get(b) ?? 0) - (spare.get(a) ?? 0));
    const [taken] = candidates;
    if (taken !== undefined) spare.set(taken, (spare.get(taken) ?? 0) - 1);
    others.set(position, taken === undefined ? undefined : byPair.get(taken));
  }
  return others;
};

/** The question about what changed: the change, its opposite, and another pair of changes. */
export const effectQuestionOf = (
  effect: ActionEffect,
  other: ActionEffect,
  number: number,
  seed: number,
): SceneQuestion => ({
  question: effectQuestion,
  ...placed(effect.change, [effect.opposite, other.change, other.opposite], { seed, task: "effect", number }),
});

/** The question about a film's speed. Its text is the same for every film. */
export const speedQuestionOf = (speed: FilmSpeed, number: number, seed: number): SceneQuestion => ({
  question: speedQuestion,
  ...placed(
    speedOptions[speed],
    filmSpeeds.filter((one) => one !== speed).map((one) => speedOptions[one]),
    { seed, task: "speed", number },
  ),
});
