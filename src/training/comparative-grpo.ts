/**
 * Comparative GRPO: answers from the complete clip must beat answers from its absent twin.
 *
 * Legend: P prompts of a step, G completions of a prompt.
 */
import { z } from "zod";
import type { ClipSegments } from "../batch/segments.ts";
import { type SegmentsBatch, segmentsBatch } from "../batch/segments-batch.ts";
import type { FeedArray } from "../engine/contract.ts";
import { OnnxEngine } from "../engine/onnx/engine.ts";
import { type Advantage, type AdvantageState, advantageRegistry } from "../objectives/advantages.ts";
import { lossRegistry, sumOfTerms } from "../objectives/losses.ts";
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
import { answeredPrompt, type Group, type Language, type Prompt, rollOut } from "./rollout.ts";
import { type Schedule, scheduleParams } from "./schedule.ts";

/** Options of Comparative GRPO. Batch 8 is the paper's; the other values are ours. */
export interface GrpoOptions {
  readonly steps: number;
  readonly promptsPerStep: number;
  readonly completions: number;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly clip: number;
  readonly beta: number;
  readonly rewards: Readonly<Record<string, number>>;
  readonly lambda: number;
  readonly refeedTries: number;
  readonly onExhausted: "baseOnly" | "drop";
  readonly schedule: Schedule;
  readonly optimizer: OptimizerOptions;
  readonly checkpointEvery: number;
  readonly seed: number;
}

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
  rewards: z
    .record(z.string(), z.number())
    .default({ format: 0.5, length: 0.25, repetition: 0.25 })
    .describe("weights of the base reward's parts; correctness is not one of them"),
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
interface Judged {
  readonly group: Group;
  readonly advantages: Float64Array;
  /** 0 where a completion leaves the loss. */
  readonly weights: Float64Array;
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

/** The completions of complete clips behind the prompts that they answered, and what the loss is fed. */
const policyBatch = (
  judged: readonly Judged[],
  trainee: Trainee,
  language: Language,
): {
  readonly batch: SegmentsBatch;
  readonly feeds: Record<"weights" | "advantages" | "oldLogprobs", Float32Array>;
} => {
  const rows = judged.map(({ group: { clip, text, complete } }): ClipSegments => {
    const texts = complete.map(({ tokens, finish, refed }) => {
      const prompt = answeredPrompt(text, refed, language);
      const ended = finish === "stop" ? [language.endToken] : [];
      return { tokens: [...prompt, ...tokens, ...ended], scoredFrom: prompt.length };
    });
    return { clip: clip.patches, texts };
  });
  const batch = segmentsBatch(rows, trainee.config, { tokens: trainee.tokens });
  const numbers = (): Float32Array => new Float32Array(batch.language.scored);
  const feeds = { weights: numbers(), advantages: numbers(), oldLogprobs: numbers() };
  batch.scored.forEach(({ clip: p, text: g, token }, m) => {
    const { group, advantages, weights } = judged[p]!;
    const { refed, logprobs } = group.complete[g]!;
    const share = 1 / (judged.length * group.complete.length * logprobs.length);
    feeds.weights[m] = share * weights[g]!;
    feeds.advantages[m] = advantages[g]!;
    feeds.oldLogprobs[m] = logprobs[token - answeredPrompt(group.text, refed, language).length]!;
  });
  return { batch, feeds };
};

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
  const { config, engine, store } = trainee;
  const { clip, beta, lambda, onExhausted } = options;
  const loss = (await lossRegistry.make("policy-gradient", { clip, beta })).value;
  const advantage = (await advantageRegistry.make("total", { lambda, onExhausted })).value;
  const rewards: WeightedReward[] = [];
  for (const [name, weight] of Object.entries(options.rewards))
    rewards.push({ name, weight, reward: (await rewardRegistry.make(name)).value });
  // Copied before a resumed run reads its checkpoint: the reference is the model that the stage began with.
  const reference =
    beta === 0 ? undefined : new OnnxEngine(config, store.frozenCopy(), undefined, engine.options);
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
    if (judged.length === 0) {
      for (const name of engine.trainable) engine.gradient(name).fill(0);
      return { policy: 0, ...metrics };
    }
    const { batch, feeds } = policyBatch(judged, trainee, language);
    const extra: Record<string, FeedArray> = { ...feeds };
    if (reference !== undefined) {
      const { tokenLogprobs } = await reference.forward(batch);
      extra["referenceLogprobs"] = tokenLogprobs;
    }
    const shape = { scored: batch.language.scored, contrasted: 0 };
    const result = await engine.step(batch, sumOfTerms([loss], shape), extra);
    return { loss: result.loss, ...result.metrics, ...metrics };
  };

  try {
    return await runLoop(trainee, options, context, {
      compute,
      state: () => ({ baseline: state.baseline }),
      restore: (saved) => {
        state = { baseline: Number(saved["baseline"]) };
      },
    });
  } finally {
    await reference?.[Symbol.asyncDispose]();
  }
};
