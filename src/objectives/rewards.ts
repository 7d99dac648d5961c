import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { AnswerKind } from "../grading/grade-answer.ts";

/** One completion and what is known about it. */
export interface RewardInput {
  readonly completion: string;
  /** Sampled text tokens, the end token not counted. */
  readonly lengthTokens: number;
  /** "stop": ended by itself; "length": cut off at the limit. */
  readonly finishReason: "stop" | "length";
  readonly question: {
    readonly answerKind: AnswerKind;
    readonly answer: string;
    readonly options?: readonly string[];
  };
}

/** A number for a completion, always the same for the same input. */
export interface Reward {
  /** Smallest and largest value that `score` gives, both included. */
  readonly range: readonly [number, number];
  score(input: RewardInput): number;
}

/** A reward plug-in; `readsAnswer` says whether the reference answer can change the score (base rewards: never). */
export interface RewardPlugin extends Plugin<Reward> {
  readonly readsAnswer: boolean;
}

/** Declares a reward. */
export const defineReward: Define<RewardPlugin> = definer("reward");

/** Every reward in `rewards/`, by file name. */
export const rewardRegistry: Registry<RewardPlugin> = folderRegistry(
  "reward",
  new URL("./rewards/", import.meta.url),
);

/** A reward with its name and weight in a sum. */
export interface WeightedReward {
  readonly name: string;
  readonly weight: number;
  readonly reward: Reward;
}

/** The weighted sum over several rewards, and each part before weighting. */
export const rewardTotal = (
  rewards: readonly WeightedReward[],
  input: RewardInput,
): { readonly total: number; readonly parts: Readonly<Record<string, number>> } => {
  let total = 0;
  const parts: Record<string, number> = {};
  for (const { name, weight, reward } of rewards) {
    const score = reward.score(input);
    parts[name] = score;
    total += weight * score;
  }
  return { total, parts };
};
