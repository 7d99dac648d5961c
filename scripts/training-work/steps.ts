/** Steps of training on clips of noise: what `training-cost.ts` and `gpu-conformance.ts` measure. */
import type { ClipSegments, SegmentTokens } from "../../src/batch/segments.ts";
import { segmentsBatch } from "../../src/batch/segments-batch.ts";
import { type Random, seededRandom } from "../../src/core/random.ts";
import type { Engine, UpdateOptions } from "../../src/engine/contract.ts";
import { takeStep } from "../../src/engine/take-step.ts";
import type { Passage } from "../../src/jobs/train/model-cost.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { makeLosses, sumOfLosses } from "../../src/objectives/losses.ts";

/** The clips of a step. */
export interface Work {
  readonly clips: number;
  /** Temporal steps of a clip, rows and columns of patches. */
  readonly grid: readonly [number, number, number];
  readonly before: number;
  readonly behind: number;
  /** Block that clips are contrasted at; undefined: only answers are learnt. */
  readonly contrastBlock: number | undefined;
}

/** Words of the keywords of a clip, the share of a twin's steps that are its own, dropout of the second view. */
const [keywords, dropout] = [6, 0.1];

const update: UpdateOptions = {
  learningRate: 1e-5,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradientNorm: 1,
};

/** Ids that every clip has; words are ids that stand for nothing else. */
export const workTokens = ({ tokens, text }: ModelConfig): SegmentTokens => {
  const { visionStart, visionEnd, video } = tokens;
  const ends = [1, 2, 3].map((back) => Math.min(text.vocabSize, tokens.image) - back);
  return { visionStart, visionEnd, video, endComplete: ends[0]!, endAbsent: ends[0]!, endText: ends[1]! };
};

/** Words of nothing. */
export const someWords = (count: number, random: Random, { text, tokens }: ModelConfig): number[] => {
  const special = [tokens.image, tokens.video, tokens.visionStart, tokens.visionEnd];
  return Array.from({ length: count }, () => {
    let word = random.integer(text.vocabSize);
    while (special.includes(word)) word = random.integer(text.vocabSize);
    return word;
  });
};

/** One temporal step of noise. */
export const somePicture = (
  rows: number,
  columns: number,
  random: Random,
  { vision }: ModelConfig,
): Uint8Array => {
  const bytes = rows * columns * vision.temporalPatchSize * 3 * vision.patchSize ** 2;
  const noise = Uint8Array.from({ length: 4096 }, () => random.integer(256));
  const shift = random.integer(4096);
  return Uint8Array.from({ length: bytes }, (_, i) => noise[(i + shift + (i >> 12)) & 4095]!);
};

const segmentsOf = (
  { clips, grid, before, behind, contrastBlock }: Work,
  config: ModelConfig,
): ClipSegments[] => {
  const random = seededRandom("training work");
  const [steps, rows, columns] = grid;
  const picture = (): Uint8Array => somePicture(rows, columns, random, config);
  return Array.from({ length: clips }, () => ({
    clip: { rows, columns, secondsPerStep: 1, steps: Array.from({ length: steps }, picture) },
    texts: [{ tokens: someWords(before + behind, random, config), scoredFrom: before }],
    ...(contrastBlock !== undefined && {
      contrast: { absentSteps: new Map([[1, picture()]]), keywords: someWords(keywords, random, config) },
    }),
  }));
};

/** One step of fine-tuning on an engine, the same clips every time. @returns its loss */
export const sftStepper = async (
  engine: Engine,
  config: ModelConfig,
  work: Work,
): Promise<() => Promise<{ readonly loss: number; readonly norm: number }>> => {
  const { contrastBlock: block, clips } = work;
  const contrast = block === undefined ? {} : { contrastive: { block } };
  const objective = sumOfLosses(await makeLosses({ "cross-entropy": {}, ...contrast }));
  const view = { dropout, random: seededRandom("view") };
  const shape = {
    tokens: workTokens(config),
    states: objective.states,
    ...(block !== undefined && { view }),
  };
  const { batch, scored } = segmentsBatch(segmentsOf(work, config), batchRules(config), shape);
  const weights = new Float32Array(batch.scored.rows.length).fill(1 / scored.length, 0, scored.length);
  const pairs = new Float32Array(clips * clips);
  const masks =
    block === undefined ? {} : { twinMask: new Float32Array(clips), textMask: pairs, viewMask: pairs };
  return async () => {
    await engine.clearGradient();
    const { loss } = await takeStep(engine, [batch], objective, { weights, ...masks });
    const { norm } = await engine.update(update);
    return { loss, norm };
  };
};

/** What such a step asks for, as the formulas count it: whole products, the twin's one picture of its own. */
export const flowsOf = (
  { clips, grid, before, behind, contrastBlock }: Work,
  { text, vision }: ModelConfig,
): Passage[] => {
  const [steps, rows, columns] = grid;
  const visual = (steps * rows * columns) / vision.spatialMergeSize ** 2;
  const length = visual + 3 + before + behind;
  const patches = clips * steps * rows * columns;
  const read = { patches, positions: clips * length, context: length, depth: 1, scored: clips * behind };
  if (contrastBlock === undefined) return [read];
  // Up to the block of the contrast a row holds clip, twin, second view and keywords, and a product covers all of it.
  const depth = contrastBlock / text.layers;
  const side = visual + 3;
  const context = length + 2 * side + keywords + 1;
  return [
    { ...read, context, depth, scored: 0 },
    { ...read, patches: 0, depth: 1 - depth },
    { positions: clips * (context - length), context, depth, scored: 0, patches: patches / steps },
  ];
};
