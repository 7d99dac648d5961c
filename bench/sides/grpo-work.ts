/** What both sides of grpo-step-small work on: two clips with twins and questions, and given completions for the losses. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { mediaStep } from "../../src/batch/media-step.ts";
import type { SegmentTokens } from "../../src/batch/segments.ts";
import { segmentsBatch } from "../../src/batch/segments-batch.ts";
import { seededRandom } from "../../src/core/random.ts";
import { lowerMedia } from "../../src/engine/onnx/lowering/media.ts";
import type { ClipPatches } from "../../src/frames/clip-patches.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { absentPatches, type TrainingClip, type TrainingText } from "../../src/training/clip.ts";
import type { Prompt } from "../../src/training/clip-prompts.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { shapeFolder } from "./shape-files.ts";
import { benchShapes } from "./shapes.ts";

const { config, grid, behind } = benchShapes.small;

/** Numbers of the step; `scripts/anchors/grpo_step.py` has the same. */
export const grpoWork = { prompts: 2, completions: 8, newTokens: 32, clip: 0.2, beta: 0.04 } as const;

/** Completions of the losses that are compared: few and short, 20 updates of them. */
export const givenWork = { prompts: 1, completions: 2, tokens: 8, updates: 20, oldLogprob: -8.318 } as const;

/** Special tokens of a clip's frame. */
export const grpoTokens: SegmentTokens = {
  visionStart: 12,
  visionEnd: 13,
  video: 11,
  endComplete: 14,
  endAbsent: 14,
  endText: 16,
};

/** A token of a given completion; the anchor computes the same. */
export const givenToken = (p: number, g: number, i: number): number =>
  20 + ((7919 * p + 104_729 * g + 1_299_709 * i) % (config.text.vocabSize - 20));
/** Its log-probability when it was "drawn": about that of new weights. */
export const givenLogprob = (g: number, i: number): number =>
  givenWork.oldLogprob + 0.1 * (((g + i) % 3) - 1);
/** Advantage of a completion. */
export const givenAdvantage = (p: number, g: number): number => (((3 * p + 5 * g) % 7) - 3) / 2;

/** The two prompts, always the same. */
export const grpoPrompts = (): Prompt[] => {
  const random = seededRandom("bench", "grpo");
  const [steps, rows, columns] = grid;
  const { temporalPatchSize, patchSize } = config.vision;
  const bytes = rows * columns * temporalPatchSize * 3 * patchSize ** 2;
  const picture = (): Uint8Array => Uint8Array.from({ length: bytes }, () => random.integer(256));
  return Array.from({ length: grpoWork.prompts }, (_, p): Prompt => {
    const text: TrainingText = {
      sampleId: `prompt ${p}`,
      skill: "bench",
      question: "",
      answer: "yes",
      answerKind: "choice",
      prompt: Array.from({ length: behind }, () => 20 + random.integer(config.text.vocabSize - 20)),
      target: [],
      aboutEvent: true,
    };
    const clip: TrainingClip = {
      id: `clip ${p}`,
      patches: { rows, columns, secondsPerStep: 1, steps: Array.from({ length: steps }, picture) },
      absentSteps: new Map([[1, picture()]]),
      keywords: [],
      texts: [text],
    };
    return { clip, text };
  });
};

/** Writes ids, positions and pixels of the prompts for the anchor, unless they are there. */
export const prepareGrpo = async (cache: string): Promise<void> => {
  const file = join(shapeFolder(cache, "small"), "grpo.safetensors");
  if (existsSync(file)) return;
  const prompts = grpoPrompts();
  const rows = prompts.map(({ clip, text }) => ({
    clip: clip.patches,
    texts: [{ tokens: text.prompt, scoredFrom: text.prompt.length, next: true }],
  }));
  const options = { tokens: grpoTokens, prefill: true };
  const { batch, ends } = segmentsBatch(rows, batchRules(config), options);
  const used = ends[0]!.length;
  const count = prompts.length;
  /** The columns in use; what is behind them only rounds the sizes. */
  const columns = (numbers: Int32Array): Float32Array =>
    Float32Array.from(numbers).filter((_, at) => at % batch.length < used);
  const pixels = async (side: (clip: TrainingClip) => ClipPatches): Promise<Float32Array> => {
    const steps = prompts.flatMap(({ clip }) =>
      side(clip).steps.map((step) => mediaStep(step, grid[1], grid[2])),
    );
    const { feeds } = await lowerMedia(steps, config, "exact");
    return feeds["vision.pixels"] as Float32Array;
  };
  const patches = count * grid[0] * grid[1] * grid[2];
  const wide = (data: Float32Array) => ({ shape: [patches, data.length / patches], data });
  writeSafetensors(
    file,
    [
      { name: "input_ids", shape: [count, used], data: columns(batch.ids) },
      { name: "position_ids", shape: [3, count, used], data: columns(batch.positions) },
      { name: "complete", ...wide(await pixels((clip) => clip.patches)) },
      { name: "absent", ...wide(await pixels(absentPatches)) },
    ],
    "F32",
  );
};
