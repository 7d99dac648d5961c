/**
 * Comparative GRPO: answers from the complete clip must beat answers from its absent twin.
 *
 * Legend: P prompts of a step, G completions of a prompt.
 */
import { z } from "zod";
import type { TokenBatch } from "../batch/token-batch.ts";
import { ConfigError } from "../core/errors.ts";
import type { MadeBy } from "../core/registry.ts";
import type { Engine, FeedArray } from "../engine/contract.ts";
import { takeStep } from "../engine/take-step.ts";
import { type Advantage, type AdvantageState, advantageRegistry } from "../objectives/advantages.ts";
import type { LossTerm } from "../objectives/losses.ts";
import { type LossChoice, makeLosses, sumOfLosses } from "../objectives/losses.ts";
import { refeedMetrics } from "../objectives/refeed.ts";
import { rewardRegistry, rewardTotal, type WeightedReward } from "../objectives/rewards.ts";
import type { RolloutRecord } from "../runs/run-folder.ts";
import {
  type LoopContext,
  type LoopResult,
  type OptimizerOptions,
  optimizerParams,
  runLoop,
  type Trainee,
} from "./loop.ts";
import { type JudgedGroup, policyBatches } from "./policy-batches.ts";
import { type Group, type Language, type Prompt, rollOut } from "./rollout.ts";
import { type Schedule, scheduleParams } from "./schedule.ts";

/** A part of the base reward. */
export interface RewardChoice {
  readonly weight: number;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Options of Comparative GRPO. Batch 8 is the paper's; the other values are ours. */
export interface GrpoOptions {
  readonly steps: number;
  readonly promptsPerStep: number;
  readonly completions: number;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly clip: number;
  readonly beta: number;
  /** Losses that are added to the policy gradient, by name, with their parameters; left out: none. */
  readonly losses?: LossChoice;
  /** Batches that a step's prompts are computed in: the same gradient with less memory; left out: one. */
  readonly batchesPerStep?: number;
  /** Parts of the base reward by name: their weights, or weights and parameters. */
  readonly rewards: Readonly<Record<string, number | RewardChoice>>;
  /** How rewards and comparisons become advantages; left out: `total` with `lambda` and `onExhausted`. */
  readonly advantage?: MadeBy;
  readonly lambda: number;
  readonly refeedTries: number;
  readonly onExhausted: "baseOnly" | "drop";
  readonly schedule: Schedule;
  readonly optimizer: OptimizerOptions;
  readonly checkpointEvery: number;
  readonly seed: number;
}

const someParams = z.record(z.string(), z.unknown()).default({});

/** Checks options and fills in defaults. */
export const grpoParams: z.ZodType<GrpoOptions> = z.strictObject({
  steps: z.number().int().min(1),
  promptsPerStep: z.number().int().min(1).default(8).describe("prompts a step (paper: batch 8)"),
  completions: z.number().int().min(2).default(8).describe("completions of a prompt, of each clip (ours: 8)"),
  maxNewTokens: z.number().int().min(1).default(4),
  temperature: z.number().positive().default(1),
  clip: z.number().positive().default(0.2),
  beta: z
    .number()
    .min(0)
    .default(0.04)
    .describe("weight of the KL penalty to the model it started from; 0: none"),
  losses: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({})
    .describe("losses that are added to the policy gradient, by name, with their parameters"),
  batchesPerStep: z.number().int().min(1).default(1),
  rewards: z
    .record(z.string(), z.union([z.number(), z.strictObject({ weight: z.number(), params: someParams })]))
    .default({ format: 0.5, length: 0.25, repetition: 0.25 })
    .describe("weights (and parameters) of the base reward's parts; correctness is not one of them"),
  advantage: z
    .strictObject({ name: z.string(), params: someParams })
    .exactOptional()
    .describe("how rewards and comparisons become advantages; left out: total with lambda and onExhausted"),
  lambda: z
    .number()
    .min(0)
    .default(0.5)
    .describe("weight of the comparative advantage (ours); 0: plain GRPO, nothing is compared or refed"),
  refeedTries: z.number().int().min(0).default(2),
  onExhausted: z.enum(["baseOnly", "drop"]).default("baseOnly"),
  schedule: scheduleParams,
  optimizer: optimizerParams.prefault({}),
  checkpointEvery: z.number().int().min(1).default(50),
  seed: z.number().int().default(1),
});

/** A group with its rewards and advantages. */
interface Judged extends JudgedGroup {
  readonly rewards: readonly number[];
  readonly parts: readonly Readonly<Record<string, number>>[];
  /** The moving baseline that the group was compared with. */
  readonly baseline: number;
}

/** Rewards, comparison and total advantage of one group. */
const judge = (
  group: Group,
  rewards: readonly WeightedReward[],
  advantage: Advantage,
  before: AdvantageState,
): { readonly judged: Judged; readonly state: AdvantageState } => {
  const scored = group.complete.map(({ text, tokens, finish }) =>
    rewardTotal(rewards, {
      completion: text,
      lengthTokens: tokens.length,
      finishReason: finish,
      question: group.text,
    }),
  );
  const totals = scored.map(({ total }) => total);
  const { advantages_G, weights_G, state } = advantage.compute(
    {
      rewards_G: totals,
      quality_G: group.refeeds.map(({ quality }) => quality),
      qualityAbsent_G: group.refeeds.map(({ qualityAbsent }) => qualityAbsent),
      exhausted_G: group.refeeds.map(({ status }) => status !== "accepted"),
    },
    before,
  );
  const judged = {
    group,
    advantages: advantages_G,
    weights: weights_G,
    rewards: totals,
    parts: scored.map(({ parts }) => ({ ...parts })),
    baseline: before.baseline,
  };
  return { judged, state };
};

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** The row of `rollouts.jsonl`. */
const recordOf = (step: number, { group, parts, advantages, baseline }: Judged): RolloutRecord => ({
  step,
  sampleId: group.text.sampleId,
  prompt: group.text.question,
  reference: group.text.answer,
  complete: group.complete.map(({ text }, g) => ({
    text,
    rewards: parts[g]!,
    advantages: { total: advantages[g]! },
    refeeds: group.refeeds[g]!.tries,
  })),
  absent: group.absent.map(({ text }) => ({ text, rewards: {} })),
  group: { baseline, quality: mean(group.firstQuality) },
});

/** Numbers about a step's roll-outs. `quality` is that of first completions; refed ones are chosen for winning. */
const rolloutMetrics = (
  judged: readonly Judged[],
  answerable: number,
  state: AdvantageState,
): Record<string, number> => {
  const refeeds = judged.flatMap(({ group }) => group.refeeds);
  return {
    quality: mean(judged.flatMap(({ group }) => group.firstQuality)),
    qualityAbsent: mean(refeeds.map(({ qualityAbsent }) => qualityAbsent)),
    baseReward: mean(judged.flatMap(({ rewards }) => rewards)),
    baseline: state.baseline,
    answerableWithoutEvidence: answerable,
    ...refeedMetrics(refeeds),
  };
};

/** Log-probabilities of the batches' targets under the model that the stage began with. */
const referenceLogprobs = async (engine: Engine, batches: readonly TokenBatch[]): Promise<Float32Array> => {
  await using pass = await engine.forward(batches, { weights: "reference" });
  return Float32Array.from(pass.outputs.flatMap(({ tokenLogprobs }) => [...tokenLogprobs]));
};

const chosenRewards = async (chosen: GrpoOptions["rewards"]): Promise<WeightedReward[]> => {
  const rewards: WeightedReward[] = [];
  for (const [name, choice] of Object.entries(chosen)) {
    const { weight, params } = typeof choice === "number" ? { weight: choice, params: {} } : choice;
    rewards.push({ name, weight, reward: (await rewardRegistry.make(name, params)).value });
  }
  return rewards;
};

/** Everything that this loop can feed a loss. */
const policyFeeds = ["weights", "advantages", "oldLogprobs", "referenceLogprobs"];

const policyObjective = async ({ clip, beta, losses = {} }: GrpoOptions): Promise<LossTerm> => {
  const objective = sumOfLosses(await makeLosses({ "policy-gradient": { clip, beta }, ...losses }));
  const strange = Object.keys(objective.feeds).find((name) => !policyFeeds.includes(name));
  if (strange !== undefined || objective.states.length > 0)
    throw new ConfigError("a loss asks for what Comparative GRPO does not have", {
      where: objective.key,
      expected: `log-probabilities and ${policyFeeds.join(", ")}`,
      got: strange ?? "states of a block",
    });
  return objective;
};

/**
 * Trains on prompts: draw G completions from the complete clip and G from the absent one, compare their quality, draw
 * again with an instruction to look closely where the complete clip did not win, then one clipped policy-gradient step on
 * the complete clip's completions with A = A_base + lambda A_comp.
 *
 * @source VideoPerceiver, second stage (eqs. 8-10), reconstructed
 */
export const trainComparativeGrpo = async (
  trainee: Trainee,
  prompts: readonly Prompt[],
  options: GrpoOptions,
  language: Language,
  context: LoopContext,
): Promise<LoopResult> => {
  const { engine } = trainee;
  const { lambda, onExhausted } = options;
  const objective = await policyObjective(options);
  const { name, params } = options.advantage ?? { name: "total", params: { lambda, onExhausted } };
  const advantage = (await advantageRegistry.make(name, params)).value;
  const rewards = await chosenRewards(options.rewards);
  const comparesWithReference = "referenceLogprobs" in objective.feeds;
  // Held before a resumed run reads its checkpoint: the reference is the model that the stage began with.
  if (comparesWithReference) await engine.holdReference();
  let state: AdvantageState = advantage.start;

  const compute = async (step: number): Promise<Record<string, number>> => {
    const { groups, answerable } = await rollOut(trainee, prompts, options, language, step);
    const judged = groups.map((group) => {
      const result = judge(group, rewards, advantage, state);
      state = result.state;
      return result.judged;
    });
    for (const group of judged) context.run.rollout(recordOf(step, group));
    const metrics = rolloutMetrics(judged, answerable, state);
    if (judged.length === 0) return { policy: 0, ...metrics };
    const { batches, feeds } = policyBatches(judged, options.batchesPerStep ?? 1, trainee, language);
    const given: Record<string, FeedArray> = { ...feeds };
    if (comparesWithReference) given["referenceLogprobs"] = await referenceLogprobs(engine, batches);
    const result = await takeStep(engine, batches, objective, given);
    return { loss: result.loss, ...result.metrics, ...metrics };
  };

  return runLoop(trainee, options, context, {
    compute,
    state: () => ({ baseline: state.baseline }),
    restore: (saved) => {
      state = { baseline: Number(saved["baseline"]) };
    },
  });
};
