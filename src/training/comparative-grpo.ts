/**
 * Comparative GRPO: answers from the complete clip must beat answers from its absent twin.
 *
 * Legend: P prompts of a step, G completions of a prompt.
 */
import { z } from "zod";
import { type Random, seededRandom } from "../core/random.ts";
import type { Completion } from "../engine/contract.ts";
import { OnnxEngine } from "../engine/onnx/engine.ts";
import { type ClipPatches, type ClipSegments, segmentsBatch } from "../model/qwen2_5_vl/segments-batch.ts";
import { type AdvantageState, advantageRegistry } from "../objectives/advantages.ts";
import { lossRegistry, sumOfTerms } from "../objectives/losses.ts";
import { answerQuality } from "../objectives/quality.ts";
import {
  advanceRefeed,
  answerableWithoutEvidence,
  type RefeedState,
  refeedMetrics,
  startRefeed,
} from "../objectives/refeed.ts";
import { rewardRegistry, rewardTotal, type WeightedReward } from "../objectives/rewards.ts";
import { absentPatches, type TrainingClip, type TrainingText } from "./clip.ts";
import {
  type LoopContext,
  type LoopResult,
  type OptimizerOptions,
  optimizerParams,
  runLoop,
  type Trainee,
} from "./loop.ts";
import { batchAt } from "./order.ts";
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
    .describe("weight of the comparative advantage (ours); 0: plain GRPO"),
  refeedTries: z.number().int().min(0).default(2),
  onExhausted: z.enum(["baseOnly", "drop"]).default("baseOnly"),
  schedule: scheduleParams,
  optimizer: optimizerParams.prefault({}),
  checkpointEvery: z.number().int().min(1).default(50),
  seed: z.number().int().default(1),
});

/** What the loop needs to know about words. */
export interface Language {
  readonly decode: (tokens: readonly number[]) => string;
  /** Ends a completion. */
  readonly endToken: number;
  /** The instruction that a refeed appends to the question. */
  readonly refeedInstruction: readonly number[];
  readonly entailment: Parameters<typeof answerQuality>[2];
}

/** A clip and one of its questions. */
export interface Prompt {
  readonly clip: TrainingClip;
  readonly text: TrainingText;
}

/** A completion with the prompt that it answered. */
interface Drawn extends Completion {
  readonly text: string;
  readonly refed: boolean;
}

/** One group: the completions of a prompt on both clips, with everything the advantage needs. */
interface Group extends Prompt {
  readonly complete: Drawn[];
  readonly absent: Drawn[];
  readonly refeeds: RefeedState[];
}

/** Draws completions of every prompt from the complete or the absent clip. */
const draw = async (
  trainee: Trainee,
  prompts: readonly Prompt[],
  side: (clip: TrainingClip) => ClipPatches,
  options: GrpoOptions,
  language: Language,
  random: Random,
  instruction: readonly number[],
): Promise<Drawn[][]> => {
  const rows = prompts.map(({ clip, text }): ClipSegments => {
    const tokens = [...text.prompt, ...instruction];
    return { clip: side(clip), texts: [{ tokens, scoredFrom: tokens.length, next: true }] };
  });
  const batch = segmentsBatch(rows, trainee.config, { tokens: trainee.tokens, prefill: true });
  const drawn = await trainee.engine.sample({
    batch,
    lengths: batch.ends.map(({ length }) => length),
    nextPositions: batch.ends.map(({ nextPosition }) => nextPosition),
    completions: options.completions,
    maxNewTokens: options.maxNewTokens,
    temperature: options.temperature,
    stopTokens: [language.endToken],
    random,
  });
  const refed = instruction.length > 0;
  return drawn.map((group) =>
    group.map((completion) => ({ ...completion, text: language.decode(completion.tokens), refed })),
  );
};

/** Rewards, comparison and total advantage of one group. */
const groupAdvantages = (
  group: Group,
  rewards: readonly WeightedReward[],
  advantage: Awaited<ReturnType<typeof advantageRegistry.make>>["value"],
  state: AdvantageState,
): {
  advantages: Float64Array;
  weights: Float64Array;
  state: AdvantageState;
  rewards: number[];
  parts: Record<string, number>[];
} => {
  const scored = group.complete.map(({ text, tokens, finish }) =>
    rewardTotal(rewards, {
      completion: text,
      lengthTokens: tokens.length,
      finishReason: finish,
      question: group.text,
    }),
  );
  const totals = scored.map(({ total }) => total);
  const result = advantage.compute(
    {
      rewards_G: totals,
      quality_G: group.refeeds.map(({ quality }) => quality),
      qualityAbsent_G: group.refeeds.map(({ qualityAbsent }) => qualityAbsent),
      exhausted_G: group.refeeds.map(({ status }) => status !== "accepted"),
    },
    state,
  );
  const parts = scored.map((score) => ({ ...score.parts }));
  return {
    advantages: result.advantages_G,
    weights: result.weights_G,
    state: result.state,
    rewards: totals,
    parts,
  };
};

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

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
  const { config, engine, tokens, store } = trainee;
  const { seed, completions: size } = options;
  const loss = (await lossRegistry.make("policy-gradient", { clip: options.clip, beta: options.beta })).value;
  const advantage = (
    await advantageRegistry.make("total", { lambda: options.lambda, onExhausted: options.onExhausted })
  ).value;
  const rewards: WeightedReward[] = [];
  for (const [name, weight] of Object.entries(options.rewards))
    rewards.push({ name, weight, reward: (await rewardRegistry.make(name)).value });
  const policy = { maxTries: options.refeedTries, onExhausted: options.onExhausted };
  const reference =
    options.beta === 0 ? undefined : new OnnxEngine(config, store.frozenCopy(), undefined, engine.options);
  let state: AdvantageState = advantage.start;
  const quality = (text: TrainingText, drawn: Drawn): Promise<number> =>
    answerQuality(text, drawn.text, language.entailment);

  const rollOut = async (step: number): Promise<{ groups: Group[]; dropped: number }> => {
    const chosen = batchAt(prompts.length, options.promptsPerStep, step, seed).map(
      (index) => prompts[index]!,
    );
    const randomOf = (what: string): Random => seededRandom(seed, "rollout", step, what);
    const absent = await draw(trainee, chosen, absentPatches, options, language, randomOf("absent"), []);
    const complete = await draw(
      trainee,
      chosen,
      (clip) => clip.patches,
      options,
      language,
      randomOf("complete"),
      [],
    );
    const groups: Group[] = [];
    let dropped = 0;
    for (const [p, prompt] of chosen.entries()) {
      const [full, without] = [complete[p]!, absent[p]!];
      const qualityAbsent = await Promise.all(without.map((drawn) => quality(prompt.text, drawn)));
      if (answerableWithoutEvidence(qualityAbsent)) dropped++;
      const refeeds: RefeedState[] = [];
      for (const [g, drawn] of full.entries())
        refeeds.push(startRefeed(await quality(prompt.text, drawn), qualityAbsent[g]!, policy));
      groups.push({ ...prompt, complete: full, absent: without, refeeds });
    }
    for (let attempt = 0; attempt < options.refeedTries; attempt++) {
      if (!groups.some(({ refeeds }) => refeeds.some(({ status }) => status === "resample"))) break;
      const instruction = language.refeedInstruction;
      const random = randomOf(`refeed ${attempt}`);
      const again = await draw(
        trainee,
        chosen,
        (clip) => clip.patches,
        options,
        language,
        random,
        instruction,
      );
      for (const [p, group] of groups.entries())
        for (let g = 0; g < size; g++) {
          if (group.refeeds[g]!.status !== "resample") continue;
          const drawn = again[p]![g]!;
          const next = advanceRefeed(group.refeeds[g]!, await quality(group.text, drawn), policy);
          group.refeeds[g] = next;
          if (next.status === "accepted") group.complete[g] = drawn;
        }
    }
    const kept = groups.filter(
      ({ refeeds }) => !answerableWithoutEvidence(refeeds.map(({ qualityAbsent }) => qualityAbsent)),
    );
    return { groups: kept, dropped };
  };

  const compute = async (step: number): Promise<Record<string, number>> => {
    const { groups, dropped } = await rollOut(step);
    const before = state.baseline;
    const judged = groups.map((group) => {
      const result = groupAdvantages(group, rewards, advantage, state);
      state = result.state;
      return result;
    });
    groups.forEach((group, p) => {
      const side = (
        drawn: readonly Drawn[],
        own: boolean,
      ): Parameters<LoopContext["run"]["rollout"]>[0]["complete"] =>
        drawn.map((completion, g) => ({
          text: completion.text,
          rewards: own ? judged[p]!.parts[g]! : {},
          ...(own
            ? { advantages: { total: judged[p]!.advantages[g]! }, refeeds: group.refeeds[g]!.tries }
            : {}),
        }));
      context.run.rollout({
        step,
        sampleId: group.text.sampleId,
        prompt: group.text.question,
        reference: group.text.answer,
        complete: side(group.complete, true),
        absent: side(group.absent, false),
        group: { baseline: before, quality: mean(group.refeeds.map(({ quality: q }) => q)) },
      });
    });
    const metrics = {
      quality: mean(groups.flatMap(({ refeeds }) => refeeds.map(({ quality: q }) => q))),
      qualityAbsent: mean(groups.flatMap(({ refeeds }) => refeeds.map(({ qualityAbsent }) => qualityAbsent))),
      baseReward: mean(judged.flatMap(({ rewards: totals }) => totals)),
      baseline: state.baseline,
      answerableWithoutEvidence: dropped,
      ...refeedMetrics(groups.flatMap(({ refeeds }) => refeeds)),
    };
    if (groups.length === 0) {
      for (const name of engine.trainable) engine.gradient(name).fill(0);
      return { policy: 0, ...metrics };
    }
    const rows = groups.map((group): ClipSegments => {
      const texts = group.complete.map(({ tokens: drawn, finish, refed }) => {
        const prompt = [...group.text.prompt, ...(refed ? language.refeedInstruction : [])];
        const ended = finish === "stop" ? [language.endToken] : [];
        return { tokens: [...prompt, ...drawn, ...ended], scoredFrom: prompt.length };
      });
      return { clip: group.clip.patches, texts };
    });
    const batch = segmentsBatch(rows, config, { tokens });
    const numbers = (): Float32Array => new Float32Array(batch.language.scored);
    const feeds = {
      weights: numbers(),
      advantages: numbers(),
      oldLogprobs: numbers(),
      referenceLogprobs: numbers(),
    };
    batch.scored.forEach(({ clip: p, text: g, token }, m) => {
      const { text, complete } = groups[p]!;
      const completion = complete[g]!;
      const promptLength = text.prompt.length + (completion.refed ? language.refeedInstruction.length : 0);
      const share = 1 / (groups.length * size * completion.logprobs.length);
      feeds.weights[m] = share * judged[p]!.weights[g]!;
      feeds.advantages[m] = judged[p]!.advantages[g]!;
      feeds.oldLogprobs[m] = completion.logprobs[token - promptLength]!;
    });
    if (reference !== undefined) feeds.referenceLogprobs.set((await reference.forward(batch)).tokenLogprobs);
    const { referenceLogprobs: _, ...withoutReference } = feeds;
    const shape = { scored: batch.language.scored, contrasted: 0 };
    const result = await engine.step(
      batch,
      sumOfTerms([loss], shape),
      reference === undefined ? withoutReference : feeds,
    );
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
