/** What preference optimisation does to held-out pairs, and whether it is won by looking. */
import type { Trainee } from "./loop.ts";
import {
  type ChosenPairs,
  type PairLogprobs,
  type PreferenceBatches,
  type PreferenceClip,
  type PreferenceKind,
  type PreferenceLayout,
  preferenceBatches,
} from "./preference-batches.ts";
import { pairLogprobs } from "./preference-reference.ts";

/** What of held-out pairs is looked at, each beside the pairs as they are. */
const looks = ["as they are", "frozen", "hidden"] as const;
type Look = (typeof looks)[number];

/** A held-out clip's pairs laid out for a look; `keys` name them among stored log-probabilities. */
export interface LaidLook {
  readonly look: Look;
  readonly laid: PreferenceBatches;
  readonly keys: readonly string[];
}

/** The pairs of a clip that a look is about: a control needs a twin to stand in for; hidden pictures, another answer. */
const pairsOf = ({ pairs, frozenSteps }: PreferenceClip, look: Look): ChosenPairs["pairs"] => {
  if (look === "as they are") return pairs;
  const kind = look === "frozen" ? "twin" : "answer";
  return look === "frozen" && frozenSteps.size === 0 ? [] : pairs.filter((pair) => pair.kind === kind);
};

/** Lays out everything that is looked at of a clip, each look for itself: its numbers depend on no other clip. */
export const laidLooks = (
  clip: PreferenceClip,
  { rules }: Pick<Trainee, "rules">,
  { positionsPerBatch }: Pick<PreferenceLayout, "positionsPerBatch">,
): LaidLook[] =>
  looks.flatMap((look) => {
    const pairs = pairsOf(clip, look);
    if (pairs.length === 0) return [];
    const twin = look === "frozen" ? "frozen" : "twin";
    const laid = preferenceBatches([{ clip, pairs }], rules, {
      positionsPerBatch,
      twin,
      hidden: look === "hidden",
    });
    return [{ look, laid, keys: pairs.map(({ id }) => `held out, ${look}: ${id}`) }];
  });

/** The margin of a pair, as the loss has it. */
interface JudgedPair {
  readonly kind: PreferenceKind;
  readonly look: Look;
  readonly margin: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean margin and share of margins above 0 under a name; nothing where there are none. */
const summary = (name: string, judged: readonly JudgedPair[]): Record<string, number> =>
  judged.length === 0
    ? {}
    : {
        [`margin${name}`]: mean(judged.map(({ margin }) => margin)),
        [`accuracy${name}`]: mean(judged.map(({ margin }) => (margin > 0 ? 1 : 0))),
      };

/**
 * Numbers about held-out pairs, logged under `validation/`:
 *
 * - `preference`: the loss; `margin`, `accuracy`: of all pairs
 * - `marginTwin`, `accuracyTwin`: of those that prefer the clip over its twin; `marginFrozen`, `accuracyFrozen`: the same
 *   with as many other frames frozen in the twin's place. What rises in both is the mark of a freeze, not of what is missing
 * - `marginAnswer`, `accuracyAnswer`: of those that prefer one answer over another; `marginAnswerHidden`,
 *   `accuracyAnswerHidden`: the same with hidden pictures. What rises in both is won by words or length
 * - `marginFilm`, `accuracyFilm`: of those that prefer the clip over another film
 */
export const monitorPreferences = async (
  { engine }: Pick<Trainee, "engine">,
  held: readonly LaidLook[],
  referenceOf: (look: LaidLook) => Promise<readonly PairLogprobs[]>,
  beta: number,
  signal: AbortSignal,
): Promise<Record<string, number>> => {
  const judged: JudgedPair[] = [];
  for (const one of held) {
    const [policy, reference] = [await pairLogprobs(engine, one.laid, { signal }), await referenceOf(one)];
    one.laid.pairs.forEach(({ kind }, p) => {
      const gain = (side: keyof PairLogprobs): number => policy[p]![side] - reference[p]![side];
      judged.push({ kind, look: one.look, margin: beta * (gain("chosen") - gain("rejected")) });
    });
  }
  const plain = judged.filter(({ look }) => look === "as they are");
  if (plain.length === 0) return {};
  const ofKind = (kind: PreferenceKind): JudgedPair[] => plain.filter((one) => one.kind === kind);
  return {
    preference: mean(
      plain.map(({ margin }) => Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin)),
    ),
    ...summary("", plain),
    ...summary("Twin", ofKind("twin")),
    ...summary(
      "Frozen",
      judged.filter(({ look }) => look === "frozen"),
    ),
    ...summary("Answer", ofKind("answer")),
    ...summary(
      "AnswerHidden",
      judged.filter(({ look }) => look === "hidden"),
    ),
    ...summary("Film", ofKind("film")),
  };
};
