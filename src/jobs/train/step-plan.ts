/** What a step of a run does, by its options and by what clips are like: rows that are read, and rows that are drawn. */
import { rounding, roundUp } from "../../batch/rounding.ts";
import type { ModelConfig } from "../../model/config.ts";
import { drawnAtOnce } from "../../training/draw-answers.ts";
import type { GrpoOptions } from "../../training/grpo-options.ts";
import type { SftOptions } from "../../training/sft-options.ts";
import type { LanguageLoop } from "./loops.ts";
import type { Passage } from "./model-cost.ts";

/** What a clip and its texts are like, on average. */
export interface PlannedClips {
  readonly clips: number;
  readonly frames: number;
  /** Of a frame as the model takes it. */
  readonly pixels: number;
  readonly questionTokens: number;
  readonly answerTokens: number;
  /** Share of a clip's temporal steps that its twin has others of. */
  readonly replaced: number;
}

/** Rows that go through the model together, one a clip: each is computed whole, with what its mask hides. */
export interface RowsPass {
  readonly rows: number;
  /** Positions of a row, what is only contrasted too. */
  readonly length: number;
  /** What all of them are for the blocks and the tower. */
  readonly flows: readonly Passage[];
}

/** Completions that are drawn at once, token by token. */
export interface Draw {
  /** How often in a step. */
  readonly times: number;
  /** The prompts, which are read first. */
  readonly read: RowsPass;
  /** Of each prompt. */
  readonly completions: number;
  readonly tokens: number;
}

/** What a step does: passes forward only, passes of training, and what is drawn. */
export interface StepPlan {
  readonly forward: readonly RowsPass[];
  readonly trained: readonly RowsPass[];
  readonly drawn: readonly Draw[];
}

/** Sizes of a clip. */
const clipSizes = ({ vision }: ModelConfig, { frames, pixels }: PlannedClips) => {
  const perStep = pixels / vision.patchSize ** 2;
  const steps = Math.ceil(frames / vision.temporalPatchSize);
  return { patches: steps * perStep, visual: (steps * perStep) / vision.spatialMergeSize ** 2 };
};

/** Positions of a row, as batches round them up. */
const padded = (positions: number): number => roundUp(Math.ceil(positions), rounding.positions);

/** Rows of one length through all blocks. @param patches of all rows */
const whole = (rows: number, used: number, patches: number, scored: number): RowsPass => {
  const length = padded(used);
  return { rows, length, flows: [{ positions: rows * length, context: length, patches, scored, depth: 1 }] };
};

/** The deepest block that a loss contrasts at, as a share of all; undefined: nothing is contrasted. */
const contrastDepth = ({ losses }: SftOptions, { text }: ModelConfig): number | undefined => {
  const blocks = Object.values(losses).flatMap(({ block }) => (typeof block === "number" ? [block] : []));
  return blocks.length === 0 ? undefined : Math.min(1, Math.max(...blocks) / text.layers);
};

/** What says what a step does. */
export interface PlannedWork {
  readonly config: ModelConfig;
  readonly chosen: LanguageLoop;
  readonly shown: PlannedClips;
}

const sftStep = (options: SftOptions, { config, shown }: PlannedWork): StepPlan => {
  const { clipsPerStep: clips, textsPerClip: texts } = options;
  const { questionTokens, answerTokens, replaced } = shown;
  const { patches, visual } = clipSizes(config, shown);
  const main = padded(visual + texts * (questionTokens + answerTokens));
  const scored = clips * texts * answerTokens;
  const depth = contrastDepth(options, config);
  if (depth === undefined)
    return { forward: [], trained: [whole(clips, main, clips * patches, scored)], drawn: [] };
  // The twin's own steps are encoded, a second view's are not; both stand behind the texts up to the contrast's block.
  const length = main + padded(2 * visual);
  const positions = clips * main;
  const flows = [
    { positions, context: length, patches: clips * patches, scored: 0, depth },
    { positions, context: main, patches: 0, scored, depth: 1 - depth },
    {
      ...{ positions: clips * (length - main), context: length, depth },
      ...{ patches: clips * replaced * patches, scored: 0 },
    },
  ];
  return { forward: [], trained: [{ rows: clips, length, flows }], drawn: [] };
};

/**
 * How often and how much is drawn at once.
 *
 * @param together prompts that stay in one piece
 * @param patches of all prompts
 */
const drawOf = (
  prompts: number,
  together: number,
  asked: number,
  patches: number,
  options: Pick<GrpoOptions, "completions" | "maxNewTokens" | "positionsPerDraw">,
): Draw => {
  const size = drawnAtOnce(prompts, together, asked, { ...options, temperature: 1 });
  const { completions, maxNewTokens: tokens } = options;
  const read = whole(size, asked, (size / prompts) * patches, 0);
  return { times: Math.ceil(prompts / size), read, completions, tokens };
};

const grpoStep = (options: GrpoOptions, { config, shown }: PlannedWork): StepPlan => {
  const { promptsPerStep: prompts, completions, maxNewTokens: tokens, refeedTries, beta, lambda } = options;
  const { questionTokens, replaced } = shown;
  const { patches, visual } = clipSizes(config, shown);
  const asked = visual + questionTokens;
  const again = lambda === 0 ? 0 : refeedTries;
  const policy = whole(
    prompts,
    asked + completions * tokens,
    prompts * patches,
    prompts * completions * tokens,
  );
  const read = (beta > 0 ? 1 : 0) + (options.rollouts === undefined ? 0 : 1);
  return {
    forward: Array<RowsPass>(read).fill(policy),
    trained: Array<RowsPass>(options.updatesPerRollout).fill(policy),
    drawn: [
      // Both sides of a pair are read at once: what they share is encoded once.
      drawOf(2 * prompts, 2, asked, prompts * (1 + replaced) * patches, options),
      ...Array<Draw>(again).fill(drawOf(prompts, 1, asked, prompts * patches, options)),
    ],
  };
};

/** Preferences: both sides of a clip's pair behind it, and behind its twin. */
const dpoStep = (clips: number, { config, shown }: PlannedWork): StepPlan => {
  const { questionTokens, answerTokens, replaced } = shown;
  const { patches, visual } = clipSizes(config, shown);
  const length = visual + 2 * (questionTokens + answerTokens);
  const side = (share: number): RowsPass =>
    whole(clips, length, clips * share * patches, 2 * clips * answerTokens);
  return { forward: [], trained: [side(1), side(replaced)], drawn: [] };
};

/** What a step of a run does. */
export const stepPlan = (planned: PlannedWork): StepPlan => {
  const { chosen } = planned;
  if (chosen.loop === "sft") return sftStep(chosen.options, planned);
  if (chosen.loop === "dpo") return dpoStep(chosen.options.clipsPerStep, planned);
  return grpoStep(chosen.options, planned);
};

/** What is drawn before the first step to choose as many prompts as a step has: answers to their twins. */
export const filterDraw = (options: GrpoOptions, { config, shown }: PlannedWork): Draw => {
  const { promptsPerStep: prompts, prefilter } = options;
  const { patches, visual } = clipSizes(config, shown);
  const drawn = { ...options, completions: prefilter.draws };
  return drawOf(prompts, 1, visual + shown.questionTokens, prompts * patches, drawn);
};

/** Bytes of keys and values of a position, two a number. */
export const cacheBytes = ({ text }: ModelConfig): number =>
  2 * 2 * text.kvHeads * text.headDim * text.layers;
