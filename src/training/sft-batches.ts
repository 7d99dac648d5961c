/** Batches of supervised fine-tuning, and what its losses are fed. */
import type { BatchRules } from "../batch/batch-rules.ts";
import type { ClipSegments, SegmentTokens } from "../batch/segments.ts";
import { type SegmentsBatch, segmentsBatch } from "../batch/segments-batch.ts";
import type { TokenBatch } from "../batch/token-batch.ts";
import { ConfigError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import type { Feeds } from "../engine/take-step.ts";
import { hiddenScore } from "../model/position-tables.ts";
import type { LossTerm } from "../objectives/losses.ts";
import type { TrainingClip, TrainingText } from "./clip.ts";

/** What a step's batches depend on besides its clips. */
export interface SftBatchOptions {
  readonly textsPerClip: number;
  readonly blindClipsPerStep: number;
  readonly batchesPerStep: number;
  readonly viewDropout: number;
  readonly seed: number;
}

/** A step's batches with the feeds of its objective. */
export interface SftBatches {
  readonly batches: readonly TokenBatch[];
  readonly feeds: Feeds;
}

/** Texts of one clip in one step: the first open one when there is one, then others in random order. */
const chooseTexts = (
  clip: TrainingClip,
  count: number,
  key: readonly (string | number)[],
): TrainingText[] => {
  const caption = clip.texts.find(({ skill }) => skill === "dense-caption");
  const others = seededRandom(...key).shuffled(clip.texts.filter((text) => text !== caption));
  return [...(caption === undefined ? [] : [caption]), ...others].slice(0, count);
};

const rowOf = (clip: TrainingClip, i: number, step: number, options: SftBatchOptions): ClipSegments => {
  const { textsPerClip, blindClipsPerStep, seed } = options;
  const texts = chooseTexts(clip, textsPerClip, [seed, "texts", step, i]).map(({ prompt, target }) => ({
    tokens: [...prompt, ...target],
    scoredFrom: prompt.length,
  }));
  return {
    clip: clip.patches,
    texts,
    blind: i < blindClipsPerStep,
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

/** Large negative numbers where two clips have the same keywords. */
const textMask = (clips: readonly TrainingClip[]): Float32Array => {
  const names = clips.map(({ keywords }) => keywords.join(" "));
  const mask = new Float32Array(clips.length ** 2);
  names.forEach((name, i) => {
    names.forEach((other, j) => {
      if (i !== j && name === other) mask[i * clips.length + j] = hiddenScore;
    });
  });
  return mask;
};

/** What losses can be fed by this loop. */
const feedMakers: Readonly<
  Record<string, (made: readonly SegmentsBatch[], clips: readonly TrainingClip[]) => Float32Array>
> = {
  weights: tokenWeights,
  twinMask: (_, clips) => twinMask(clips),
  textMask: (_, clips) => textMask(clips),
};

/** Checks that this loop can feed an objective. @throws {ConfigError} naming what it cannot */
export const checkSftFeeds = (objective: LossTerm): void => {
  const known = Object.keys(feedMakers);
  for (const name of Object.keys(objective.feeds))
    if (!known.includes(name))
      throw new ConfigError("a loss asks for numbers that supervised fine-tuning does not have", {
        where: objective.key,
        expected: known.join(", "),
        got: name,
      });
};

/** The batches of a step, a pure function of clips, seed and step. */
export const sftBatches = (
  clips: readonly TrainingClip[],
  objective: LossTerm,
  rules: BatchRules,
  tokens: SegmentTokens,
  options: SftBatchOptions,
  step: number,
): SftBatches => {
  const { batchesPerStep, seed, viewDropout: dropout } = options;
  const rows = clips.map((clip, i) => rowOf(clip, i, step, options));
  const size = Math.ceil(rows.length / batchesPerStep);
  const pieces = Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size),
  );
  // Batches draw from one generator in order: the numbers are those of one batch of all clips.
  const view = { dropout, random: seededRandom(seed, "dropout", step) };
  const { states } = objective;
  const made = pieces.map((piece) => segmentsBatch(piece, rules, { tokens, states, view }));
  const feeds = Object.fromEntries(
    Object.keys(objective.feeds).map((name) => [name, feedMakers[name]!(made, clips)]),
  );
  return { batches: made.map(({ batch }) => batch), feeds };
};
