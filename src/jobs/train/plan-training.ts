/**
 * Time and memory of a training run on machines that are not at hand, from `model-cost.ts` and a machine's own numbers.
 *
 * Assumed where nothing says otherwise: weights, gradients and moments lie in shares on all GPUs (FSDP2) while a block is
 * gathered to compute; bfloat16 computes, float32 masters are updated; a block is computed again in its backward; attention
 * is causal and computed in halves; GPUs do not wait for each other or for data.
 */
import type { ModelConfig } from "../../model/config.ts";
import type { GrpoOptions } from "../../training/grpo-options.ts";
import type { SftOptions } from "../../training/sft-options.ts";
import type { LanguageLoop } from "./loops.ts";
import {
  forwardOperations,
  keptInBlock,
  keptInTower,
  type Passage,
  partSizes,
  passesOf,
  type TrainedParts,
  trainedSize,
  trainingOperations,
} from "./model-cost.ts";

/** One GPU. */
export interface Accelerator {
  /** Dense bfloat16 operations a second at most. */
  readonly operationsPerSecond: number;
  /** Of its memory. */
  readonly bytesPerSecond: number;
}

/** By the data sheets of its maker, without sparsity. */
export const accelerators: Readonly<Record<string, Accelerator>> = {
  a100: { operationsPerSecond: 312e12, bytesPerSecond: 2.0e12 },
  h100: { operationsPerSecond: 989e12, bytesPerSecond: 3.35e12 },
  h200: { operationsPerSecond: 989e12, bytesPerSecond: 4.8e12 },
  l40s: { operationsPerSecond: 362e12, bytesPerSecond: 0.86e12 },
};

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

/** A run that somebody thinks of. */
export interface PlannedTraining {
  readonly config: ModelConfig;
  readonly chosen: LanguageLoop;
  readonly parts: TrainedParts;
  readonly positionsPerBatch: number;
  readonly shown: PlannedClips;
  readonly gpu: Accelerator;
  readonly gpus: number;
  /** Share of the GPU's operations that training reaches, and of its memory's rate that drawing reaches. */
  readonly utilisation: number;
}

/** What it will take. */
export interface TrainingPlan {
  readonly steps: number;
  readonly secondsPerStep: number;
  /** Of a step: passes of training, drawing completions, the update. */
  readonly parts: { readonly training: number; readonly drawing: number; readonly update: number };
  /** Before the first step: completions that only choose prompts. */
  readonly secondsBefore: number;
  readonly seconds: number;
  readonly gpuHours: number;
  /** Of one GPU, by what takes it. */
  readonly bytes: {
    readonly weights: number;
    readonly optimizer: number;
    readonly gathered: number;
    readonly activations: number;
    readonly drawing: number;
    readonly all: number;
  };
}

/** What a step does: passes forward only, passes of training, and tokens that are drawn one after the other. */
export interface StepPlan {
  readonly forward: readonly Passage[];
  readonly trained: readonly Passage[];
  /** Rounds of drawing: so many sequences at once, each behind so many positions. */
  readonly drawn: readonly {
    readonly sequences: number;
    readonly tokens: number;
    readonly context: number;
  }[];
}

/** Sizes of a clip. */
const clipSizes = ({ vision }: ModelConfig, { frames, pixels }: PlannedClips) => {
  const perStep = pixels / vision.patchSize ** 2;
  const steps = Math.ceil(frames / vision.temporalPatchSize);
  return { patches: steps * perStep, visual: (steps * perStep) / vision.spatialMergeSize ** 2 };
};

/** A flow of causal attention over rows of a length. */
const causal = (positions: number, length: number, patches: number, scored: number, depth = 1): Passage => ({
  positions,
  context: length / 2,
  patches,
  scored,
  depth,
});

/** The deepest block that a loss contrasts at, as a share of all; undefined: nothing is contrasted. */
const contrastDepth = ({ losses }: SftOptions, { text }: ModelConfig): number | undefined => {
  const blocks = Object.values(losses).flatMap(({ block }) => (typeof block === "number" ? [block] : []));
  return blocks.length === 0 ? undefined : Math.min(1, Math.max(...blocks) / text.layers);
};

/** What of a plan says what a step does. */
type PlannedWork = Pick<PlannedTraining, "config" | "chosen" | "shown">;

const sftStep = (options: SftOptions, { config, shown }: PlannedWork): StepPlan => {
  const { clipsPerStep: clips, textsPerClip: texts } = options;
  const { questionTokens, answerTokens, replaced } = shown;
  const { patches, visual } = clipSizes(config, shown);
  const text = questionTokens + answerTokens;
  const read = causal(
    clips * (visual + texts * text),
    visual + text,
    clips * patches,
    clips * texts * answerTokens,
  );
  const depth = contrastDepth(options, config);
  if (depth === undefined) return { forward: [], trained: [read], drawn: [] };
  // The twin's own steps are encoded, a second view's are not; both pass the blocks up to the contrast.
  const twin = causal(clips * visual, visual, clips * replaced * patches, 0, depth);
  const view = causal(clips * visual, visual, 0, 0, depth);
  return { forward: [], trained: [read, twin, view], drawn: [] };
};

const grpoStep = (options: GrpoOptions, { config, shown }: PlannedWork): StepPlan => {
  const { promptsPerStep: prompts, completions, maxNewTokens: tokens, refeedTries, beta, lambda } = options;
  const { questionTokens, replaced } = shown;
  const { patches, visual } = clipSizes(config, shown);
  const asked = visual + questionTokens;
  const prefill = causal(prompts * asked, asked, prompts * patches, 0);
  const twin = { ...prefill, patches: prefill.patches * replaced };
  const again = lambda === 0 ? 0 : refeedTries;
  const policy = causal(
    prompts * (asked + completions * tokens),
    asked + tokens,
    prompts * patches,
    prompts * completions * tokens,
  );
  const sequences = prompts * completions;
  const read = (beta > 0 ? 1 : 0) + (options.rollouts === undefined ? 0 : 1);
  return {
    forward: [
      prefill,
      twin,
      ...Array<Passage>(again).fill({ ...prefill, patches: 0 }),
      ...Array<Passage>(read).fill(policy),
    ],
    trained: Array<Passage>(options.updatesPerRollout).fill(policy),
    drawn: [
      { sequences: 2 * sequences, tokens, context: asked },
      ...Array<StepPlan["drawn"][number]>(again).fill({ sequences, tokens, context: asked }),
    ],
  };
};

/** Preferences: both sides of a clip's pair behind it, and behind its twin. */
const dpoStep = (clips: number, { config, shown }: PlannedWork): StepPlan => {
  const { questionTokens, answerTokens, replaced } = shown;
  const { patches, visual } = clipSizes(config, shown);
  const text = questionTokens + answerTokens;
  const side = causal(clips * (visual + 2 * text), visual + text, clips * patches, 2 * clips * answerTokens);
  return { forward: [], trained: [side, { ...side, patches: side.patches * replaced }], drawn: [] };
};

/** What a step of a run does. */
export const stepPlan = (planned: PlannedWork): StepPlan => {
  const { chosen } = planned;
  if (chosen.loop === "sft") return sftStep(chosen.options, planned);
  if (chosen.loop === "dpo") return dpoStep(chosen.options.clipsPerStep, planned);
  return grpoStep(chosen.options, planned);
};

/** Bytes of keys and values of a position, two a number. */
export const cacheBytes = ({ text }: ModelConfig): number =>
  2 * 2 * text.kvHeads * text.headDim * text.layers;

/** Seconds of drawing: every token reads the weights and what the sequences before it left. */
const drawingSeconds = (
  drawn: StepPlan["drawn"],
  { config, gpu, gpus, utilisation }: Pick<PlannedTraining, "config" | "gpu" | "gpus" | "utilisation">,
): number => {
  const { languageMatrices, table } = partSizes(config);
  return drawn.reduce((sum, { sequences, tokens, context }) => {
    const own = Math.ceil(sequences / gpus);
    const bytes = 2 * (languageMatrices + table) + own * (context + tokens / 2) * cacheBytes(config);
    const operations = own * 2 * (languageMatrices + table);
    const token = Math.max(bytes / gpu.bytesPerSecond, operations / gpu.operationsPerSecond);
    return sum + (tokens * token) / utilisation;
  }, 0);
};

const bytesOf = (planned: PlannedTraining, { drawn, trained: flows }: StepPlan): TrainingPlan["bytes"] => {
  const { config, chosen, parts, gpus, positionsPerBatch } = planned;
  const { all, block, table } = partSizes(config);
  const { text, vision } = config;
  const trained = trainedSize(config, parts);
  const passes = passesOf(parts);
  const isWhole = passes.language === 3;
  const holdsReference = chosen.loop === "grpo" && chosen.options.beta > 0 && isWhole;
  // Masters of what is trained in four bytes, the rest in two; a second copy where a reference of all weights is held.
  const weights = ((isWhole ? 4 * all : 2 * all + 4 * trained) + (holdsReference ? 2 * all : 0)) / gpus;
  const optimizer = (12 * trained) / gpus;
  // The table stays gathered, two blocks at a time are, with their gradients where they have one.
  const gathered = 2 * (isWhole ? 2 : 1) * (table + 2 * block);
  const longest = Math.max(...flows.map(({ context }) => 2 * context));
  const rows = Math.max(positionsPerBatch, longest);
  const share = flows.reduce((most, { scored, positions }) => Math.max(most, scored / positions), 0);
  const logits = 3 * 4 * Math.min(rows * share, 4096) * text.vocabSize;
  // What goes into each block is kept, and of one block everything; so in the tower, where it is trained.
  const patches = rows * vision.spatialMergeSize ** 2;
  const tower = passes.vision > 1 ? (patches * keptInTower(config)) / 8 : 0;
  const activations = 2 * (rows * (text.layers * text.hiddenSize + 2 * keptInBlock(config)) + tower) + logits;
  const sequences = Math.max(
    0,
    ...drawn.map((one) => Math.ceil(one.sequences / gpus) * (one.context + one.tokens)),
  );
  // Drawing gathers the whole model once.
  const drawing = drawn.length === 0 ? 0 : sequences * cacheBytes(config) + (gpus > 1 ? 2 * all : 0);
  return {
    weights,
    optimizer,
    gathered,
    activations,
    drawing,
    all: weights + optimizer + Math.max(gathered + activations, drawing) + processBytes,
  };
};

/** What a process takes on a GPU before anything is in it. */
const processBytes = 1.5e9;

/** Bytes that an update reads and writes a parameter. */
const updateBytes = 36;

/** Time and memory of a run. */
export const planTraining = (planned: PlannedTraining): TrainingPlan => {
  const { config, chosen, parts, shown, gpu, gpus, utilisation } = planned;
  const step = stepPlan(planned);
  const rate = gpu.operationsPerSecond * utilisation * gpus;
  const forward = (flow: Passage): number => {
    const { vision, merger, language } = forwardOperations(flow, config);
    return vision + merger + language;
  };
  const operations =
    step.forward.reduce((sum, flow) => sum + forward(flow), 0) +
    step.trained.reduce((sum, flow) => sum + trainingOperations(flow, config, parts, 1), 0);
  const training = operations / rate;
  const drawing = drawingSeconds(step.drawn, planned);
  const update = (trainedSize(config, parts) * updateBytes) / (gpu.bytesPerSecond * utilisation * gpus);
  const secondsPerStep = training + drawing + update;
  let secondsBefore = 0;
  if (chosen.loop === "grpo" && chosen.options.prefilter.draws > 0) {
    const { prefilter, maxNewTokens: tokens } = chosen.options;
    const [twin] = step.forward;
    const { promptsPerStep, steps: count } = chosen.options;
    const [first] = step.drawn;
    const round = { sequences: promptsPerStep * prefilter.draws, tokens, context: first!.context };
    const one = forward(twin!) / rate + drawingSeconds([round], planned);
    // No more are looked at than the steps reach.
    secondsBefore = Math.min(shown.clips / promptsPerStep, count) * one;
  }
  const { steps } = chosen.options;
  const seconds = secondsBefore + steps * secondsPerStep;
  return {
    steps,
    secondsPerStep,
    parts: { training, drawing, update },
    secondsBefore,
    seconds,
    gpuHours: (seconds * gpus) / 3600,
    bytes: bytesOf(planned, step),
  };
};
