/** From completions to advantages. Legend: G completions of a prompt. */
import { seededRandom } from "../core/random.ts";
import type { Advantage, AdvantageState } from "../objectives/advantages.ts";
import { rewardRegistry, rewardTotal, type WeightedReward } from "../objectives/rewards.ts";
import { type ControlName, dealtAgain } from "./grpo-controls.ts";
import type { RewardChoice } from "./grpo-options.ts";
import type { JudgedGroup } from "./policy-batches.ts";
import type { ComparedPrompt } from "./prompt-layout.ts";
import type { Group } from "./rollout.ts";

/** What is known about one completion and its twin's. */
export interface Verdict {
  readonly total: number;
  readonly parts: Readonly<Record<string, number>>;
  readonly quality: number;
  readonly qualityAbsent: number;
  readonly exhausted: boolean;
}

export interface Judged<P extends ComparedPrompt = ComparedPrompt> extends JudgedGroup<P> {
  /** [G] */
  readonly verdicts: readonly Verdict[];
  /** The moving baseline that the group was compared with. */
  readonly baseline: number;
}

/** The parts of the base reward. */
export const chosenRewards = async (
  chosen: Readonly<Record<string, number | RewardChoice>>,
): Promise<WeightedReward[]> => {
  const rewards: WeightedReward[] = [];
  for (const [name, choice] of Object.entries(chosen)) {
    const { weight, params } = typeof choice === "number" ? { weight: choice, params: {} } : choice;
    rewards.push({ name, weight, reward: (await rewardRegistry.make(name, params)).value });
  }
  return rewards;
};

const verdictsOf = (
  { complete, text, quality, refeeds }: Group,
  rewards: readonly WeightedReward[],
): Verdict[] =>
  complete.map((drawn, g) => {
    const { total, parts } = rewardTotal(rewards, {
      completion: drawn.text,
      lengthTokens: drawn.tokens.length,
      finishReason: drawn.finish,
      question: text,
    });
    const { qualityAbsent, status } = refeeds[g]!;
    return { total, parts, quality: quality[g]!, qualityAbsent, exhausted: status !== "accepted" };
  });

/** Rewards, comparison and advantage of a step's groups, one group after the other. @returns them and the state behind */
export const judgeGroups = <P extends ComparedPrompt>(
  groups: readonly Group<P>[],
  rewards: readonly WeightedReward[],
  advantage: Advantage,
  before: AdvantageState,
  { control, seed, step }: { readonly control: ControlName; readonly seed: number; readonly step: number },
): { readonly judged: readonly Judged<P>[]; readonly state: AdvantageState } => {
  const honest = groups.map((group) => verdictsOf(group, rewards));
  const given =
    control === "shuffled-rewards" ? dealtAgain(honest, seededRandom(seed, "rewards", step)) : honest;
  let state = before;
  const judged = groups.map((group, p): Judged<P> => {
    const verdicts = given[p]!;
    const { baseline } = state;
    const result = advantage.compute(
      {
        rewards_G: verdicts.map(({ total }) => total),
        quality_G: verdicts.map(({ quality }) => quality),
        qualityAbsent_G: verdicts.map(({ qualityAbsent }) => qualityAbsent),
        exhausted_G: verdicts.map(({ exhausted }) => exhausted),
      },
      state,
    );
    state = result.state;
    return { group, verdicts, baseline, advantages: result.advantages_G, weights: result.weights_G };
  });
  return { judged, state };
};
