/** Batches of supervised fine-tuning, and what its losses are fed. */
import type { BatchRules } from "../batch/batch-rules.ts";
import type { ClipSegments, ContrastEncoding, SegmentTokens } from "../batch/segments.ts";
import { type SegmentsBatch, segmentsBatch } from "../batch/segments-batch.ts";
import type { TokenBatch } from "../batch/token-batch.ts";
import { ConfigError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import type { Feeds } from "../engine/take-step.ts";
import { hiddenScore } from "../model/position-tables.ts";
import type { LossTerm } from "../objectives/losses.ts";
import type { TrainingClip, TrainingText } from "./clip.ts";
import type { MemoryQueue } from "./memory-queue.ts";

/** What a step's batches depend on besides its clips. */
export interface SftBatchOptions {
  readonly textsPerClip: number;
  readonly blindClipsPerStep: number;
  readonly batchesPerStep: number;
  readonly viewDropout: number;
  readonly bothViews: boolean;
  readonly encoding: ContrastEncoding;
  readonly instructionShare: number;
  readonly seed: number;
}

/** What batches are made with. */
export interface SftMeans {
  readonly rules: BatchRules;
  readonly tokens: SegmentTokens;
  /** Tokens of the refeed's instruction. */
  readonly instruction: readonly number[];
  readonly queue: MemoryQueue | undefined;
}

/** A step's batches with the feeds of its objective. */
export interface SftBatches {
  readonly batches: readonly TokenBatch[];
  readonly feeds: Feeds;
  /** Clips whose pictures are shown: those that are contrasted. */
  readonly seeing: readonly TrainingClip[];
}

/** Texts of one clip in one step: its dense caption when it has one, then others in random order. */
const chooseTexts = (
  clip: TrainingClip,
  count: number,
  key: readonly (string | number)[],
): TrainingText[] => {
  const caption = clip.texts.find(({ skill }) => skill === "dense-caption");
  const others = seededRandom(...key).shuffled(clip.texts.filter((text) => text !== caption));
  return [...(caption === undefined ? [] : [caption]), ...others].slice(0, count);
};

/** Whether the i-th of `count` clips is blind: `blind` of them, spread so that no batch gets them all. */
const isBlind = (i: number, count: number, blind: number): boolean =>
  Math.floor(((i + 1) * blind) / count) > Math.floor((i * blind) / count);

const rowOf = (
  clip: TrainingClip,
  [i, count]: readonly [number, number],
  step: number,
  options: SftBatchOptions,
  instruction: readonly number[],
): ClipSegments => {
  const { textsPerClip, blindClipsPerStep, instructionShare, seed } = options;
  const instructed = seededRandom(seed, "instruction", step, i);
  const texts = chooseTexts(clip, textsPerClip, [seed, "texts", step, i]).map(({ prompt, target }) => {
    const asked = instructed.next() < instructionShare ? [...prompt, ...instruction] : prompt;
    return { tokens: [...asked, ...target], scoredFrom: asked.length };
  });
  return {
    clip: clip.patches,
    texts,
    blind: isBlind(i, count, blindClipsPerStep),
    contrast: { absentSteps: clip.absentSteps, keywords: clip.keywords },
  };
};

/** Equal shares of every scored token of all batches; padding has none. */
const tokenWeights = (made: readonly SegmentsBatch[]): Float32Array => {
  const share = 1 / made.reduce((sum, { scored }) => sum + scored.length, 0);
  const weights = new Float32Array(made.reduce((sum, { batch }) => sum + batch.scored.rows.length, 0));
  let at = 0;
  for (const { batch, scored } of made) {
    weights.fill(share, at, at + scored.length);
    at += batch.scored.rows.length;
  }
  return weights;
};

/** A large negative number where a clip has no twin. */
const twinMask = (clips: readonly TrainingClip[]): Float32Array =>
  Float32Array.from(clips, ({ absentSteps }) => (absentSteps.size > 0 ? 0 : hiddenScore));

/** Large negative numbers [C, C] where two clips have the same name. */
const equalMask = (names: readonly string[]): Float32Array => {
  const mask = new Float32Array(names.length ** 2);
  names.forEach((name, i) => {
    names.forEach((other, j) => {
      if (i !== j && name === other) mask[i * names.length + j] = hiddenScore;
    });
  });
  return mask;
};

const ownFeeds = ["weights", "twinMask", "textMask", "viewMask"];
const queueFeeds = [
  "queuedAbsent",
  "queuedViews",
  "queuedTexts",
  "queuedAbsentMask",
  "queuedViewMask",
  "queuedTextMask",
];

/** Checks that this loop can feed an objective. @throws {ConfigError} naming what it cannot */
export const checkSftFeeds = (objective: LossTerm): void => {
  const known = [...ownFeeds, ...queueFeeds];
  for (const name of Object.keys(objective.feeds))
    if (!known.includes(name))
      throw new ConfigError("a loss asks for numbers that supervised fine-tuning does not have", {
        where: objective.key,
        expected: known.join(", "),
        got: name,
      });
};

/** What an objective is fed over a step's batches. */
const feedsOf = (
  objective: LossTerm,
  made: readonly SegmentsBatch[],
  seeing: readonly TrainingClip[],
  queue: MemoryQueue | undefined,
): Feeds => {
  const all: Record<string, Float32Array> = {
    weights: tokenWeights(made),
    twinMask: twinMask(seeing),
    textMask: equalMask(seeing.map(({ keywords }) => keywords.join(" "))),
    // A step that is filled from the next epoch, or that has more places than there are clips, has a clip twice.
    viewMask: equalMask(seeing.map(({ id }) => id)),
    ...queue?.feeds(seeing),
  };
  return Object.fromEntries(Object.keys(objective.feeds).map((name) => [name, all[name]!]));
};

/** The batches of a step, a pure function of clips, seed, step and what the queue remembers. */
export const sftBatches = (
  clips: readonly TrainingClip[],
  objective: LossTerm,
  { rules, tokens, instruction, queue }: SftMeans,
  options: SftBatchOptions,
  step: number,
): SftBatches => {
  const { batchesPerStep, seed, viewDropout: dropout, bothViews: both, encoding } = options;
  const rows = clips.map((clip, i) => rowOf(clip, [i, clips.length], step, options, instruction));
  const size = Math.ceil(rows.length / batchesPerStep);
  const pieces = Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size),
  );
  // Batches draw from one generator in order: the numbers are those of one batch of all clips.
  const view = { dropout, random: seededRandom(seed, "dropout", step), both };
  const { states } = objective;
  const made = pieces.map((piece) => segmentsBatch(piece, rules, { tokens, states, view, encoding }));
  const seeing = clips.filter((_, i) => rows[i]!.blind !== true);
  return {
    batches: made.map(({ batch }) => batch),
    feeds: feedsOf(objective, made, seeing, queue),
    seeing,
  };
};
