/**
 * How long runs take whose batches are not known before they are drawn: from what clips and texts are like on average, by the
 * plan of `step-plan.ts`, at the rates of this machine.
 */
import { totalmem } from "node:os";
import { layerwiseFrom, parameterCount, usualStorage } from "../../engine/model-store.ts";
import type { ModelConfig } from "../../model/config.ts";
import { keptGraphs, type RunEstimate, reached, updateSeconds } from "./estimate.ts";
import type { FrameTextSettings, LanguageLoop } from "./loops.ts";
import {
  betweenNumbers,
  blockwiseBytes,
  computingBytes,
  forwardOperations,
  type Passage,
  partSizes,
  type TrainedParts,
  trainedSize,
  trainingOperations,
} from "./model-cost.ts";
import type { PlannedClip } from "./plan-clip.ts";
import {
  cacheBytes,
  type Draw,
  filterDraw,
  type PlannedClips,
  type RowsPass,
  stepPlan,
} from "./step-plan.ts";

/** Bytes of weights and caches that drawing reads a second; fitted to a short run on one core (docs/training.md). */
const readRate = 3e9;

/** Temporal steps of a clip that its twin has others of, as a share. */
const replacedShare = ({ media, group }: PlannedClip): number => {
  const replaced = new Set(group.samples[0]?.absent?.replacements.map(({ index }) => index as number));
  const clip = media.find(({ isClip }) => isClip);
  if (clip === undefined || replaced.size === 0) return 0;
  const pairs = Array.from({ length: Math.ceil(clip.indices.length / 2) }, (_, at) =>
    clip.indices.slice(2 * at, 2 * at + 2),
  );
  return pairs.filter((pair) => pair.some((index) => replaced.has(index))).length / pairs.length;
};

const average = <T>(all: readonly T[], of: (one: T) => number): number =>
  all.reduce((sum, one) => sum + of(one), 0) / Math.max(1, all.length);

/** What clips and their texts are like on average. @param clips that there are */
export const shownOnAverage = (plans: readonly PlannedClip[], clips: number): PlannedClips => {
  const texts = plans.flatMap((plan) => plan.texts.map(({ tokens }) => tokens));
  const learnt = ({ spoken }: (typeof texts)[number]): number => spoken.reduce((sum, one) => sum + one, 0);
  const seen = ({ places }: (typeof texts)[number]): number =>
    places.reduce((sum, place) => sum + (place === -1 ? 0 : 1), 0);
  const media = plans.flatMap((plan) => plan.media);
  return {
    clips,
    frames: average(plans, (plan) => plan.media.reduce((sum, { frames }) => sum + frames, 0)),
    pixels: average(media, ({ size }) => size.width * size.height),
    questionTokens: average(texts, (text) => text.ids.length - seen(text) - learnt(text)),
    answerTokens: average(texts, learnt),
    replaced: average(plans, replacedShare),
  };
};

/** A run, and how fast this machine multiplies. */
export interface PlannedHere {
  readonly config: ModelConfig;
  readonly chosen: LanguageLoop;
  readonly parts: TrainedParts;
  readonly positionsPerBatch: number;
  readonly shown: PlannedClips;
  /** Operations a second of a large product. */
  readonly rate: number;
}

/** Passes forward only that preference optimisation needs: of every step, and before the first of all clips that are reached. */
const referencePasses = (
  { chosen, parts, shown }: PlannedHere,
  trained: readonly Passage[],
): { readonly everyStep: readonly Passage[]; readonly before: number } => {
  if (chosen.loop !== "dpo") return { everyStep: [], before: 0 };
  const { reference, steps, clipsPerStep } = chosen.options;
  const isAdapter = parts.lora !== null && !Array.isArray(parts.trained);
  if (reference === "held" || (reference === "auto" && isAdapter)) return { everyStep: trained, before: 0 };
  return { everyStep: [], before: Math.min(steps, shown.clips / clipsPerStep) };
};

/** What a run of preferences or rewards will take. */
export const estimatePlanned = (planned: PlannedHere): RunEstimate => {
  const { config, chosen, parts, positionsPerBatch, rate } = planned;
  const plan = stepPlan(planned);
  const flowsOf = (passes: readonly RowsPass[]): Passage[] => passes.flatMap(({ flows }) => flows);
  const [trained, forward] = [flowsOf(plan.trained), flowsOf(plan.forward)];
  const isLayerwise = parameterCount(config) >= layerwiseFrom;
  const seconds = (operations: number): number => operations / (rate * reached);
  const read = (flows: readonly Passage[]): number =>
    flows.reduce((sum, flow) => {
      const { vision, merger, language } = forwardOperations(flow, config);
      return sum + seconds(vision + merger + language);
    }, 0);
  const { languageMatrices, table, all } = partSizes(config);
  const drawn = (draws: readonly Draw[]): number =>
    draws.reduce((sum, draw) => {
      const { times, tokens } = draw;
      const sequences = draw.read.rows * draw.completions;
      const bytes = 4 * (languageMatrices + table) + 2 * sequences * draw.read.length * cacheBytes(config);
      const token = bytes / readRate + seconds(sequences * 2 * (languageMatrices + table));
      return sum + times * (read(draw.read.flows) + tokens * token);
    }, 0);
  const reference = referencePasses(planned, trained);
  const training = trained.reduce(
    (sum, flow) => sum + seconds(trainingOperations(flow, config, parts, isLayerwise ? 1 : 0)),
    0,
  );
  const secondsPerStep =
    training +
    read([...forward, ...reference.everyStep]) +
    drawn(plan.drawn) +
    updateSeconds(trainedSize(config, parts));
  let before = reference.before * read(trained);
  const { steps } = chosen.options;
  if (chosen.loop === "grpo" && chosen.options.prefilter.draws > 0) {
    const times = Math.min(steps, planned.shown.clips / chosen.options.promptsPerStep);
    before += times * drawn([filterDraw(chosen.options, planned)]);
  }
  // Passes of a step share its batches, which are as large as they may be.
  const positions = trained.reduce((sum, flow) => sum + flow.positions, 0);
  const longest = Math.max(...trained.map(({ context }) => context));
  const share = Math.min(1, Math.max(positionsPerBatch, longest) / positions);
  const between = share * trained.reduce((sum, flow) => sum + betweenNumbers(flow, config, parts), 0);
  // Lengths differ from step to step, and with them the graphs that are kept.
  const graphs = Math.min(keptGraphs, steps);
  const isHeld = chosen.loop === "grpo" && chosen.options.beta > 0 && parts.lora === null;
  const held = isHeld || (chosen.loop === "dpo" && chosen.options.reference === "held") ? 4 * all : 0;
  // Keys and values in float32, of the prompts and of their completions.
  const caches = Math.max(
    0,
    ...plan.drawn.map(
      ({ read: { rows, length }, completions, tokens }) =>
        2 * cacheBytes(config) * rows * completions * (length + tokens),
    ),
  );
  // What draws has the language model as constants, and packed.
  const drawing = plan.drawn.length === 0 || isLayerwise ? 0 : 2 * 4 * (languageMatrices + table);
  const computing = isLayerwise
    ? blockwiseBytes(between, config, parts, usualStorage(all, totalmem()))
    : computingBytes(between * graphs, config, parts);
  const bytes = computing + held + 2 * caches + drawing;
  return { secondsPerStep, seconds: before + secondsPerStep * steps, memoryMiB: bytes / 2 ** 20 };
};

/** What a new frame-text encoder will take: three products of its patches forward, and twice as many back. */
export const estimateEncoder = (
  options: Pick<FrameTextSettings, "framesPerClip" | "pixels" | "patch" | "width"> & {
    readonly clipsPerStep: number;
    readonly steps: number;
  },
  { clips, keptBytes, rate }: { readonly clips: number; readonly keptBytes: number; readonly rate: number },
): RunEstimate => {
  const { framesPerClip, pixels, patch, width, clipsPerStep, steps } = options;
  const rows = clipsPerStep * framesPerClip * (pixels / patch) ** 2;
  const inputs = 2 * 3 * patch ** 2;
  const operations = 3 * 2 * rows * width * (inputs + width + clipsPerStep);
  // Pixels become rows of numbers one by one, about as long as fifty operations of a product each.
  const secondsPerStep = (operations / reached + 50 * rows * inputs) / rate;
  const frames = Math.min(keptBytes, clips * framesPerClip * pixels ** 2 * 3);
  const numbers = rows * (2 * inputs + 8 * width + 6 * clipsPerStep);
  const memoryMiB = (encoderBytes + frames + 4 * numbers) / 2 ** 20;
  return { secondsPerStep, seconds: secondsPerStep * steps, memoryMiB };
};

/** A process that has read clips, with decoders of its own not counted. */
const encoderBytes = 2.2e8;
