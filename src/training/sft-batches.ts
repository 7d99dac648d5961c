/** Batches of supervised fine-tuning, and what its losses are fed. */
import type { BatchRules } from "../batch/batch-rules.ts";
import type { ClipSegments, ContrastEncoding, SegmentTokens } from "../batch/segments.ts";
import { segmentsBatch } from "../batch/segments-batch.ts";
import type { TokenBatch } from "../batch/token-batch.ts";
import { seededRandom } from "../core/random.ts";
import { captionSkills } from "../dataset/question.ts";
import type { Feeds } from "../engine/take-step.ts";
import type { LossTerm } from "../objectives/losses.ts";
import type { ContrastedClip, TrainingClip } from "./clip.ts";
import type { MemoryQueue } from "./memory-queue.ts";
import { sftFeeds } from "./sft-feeds.ts";

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
export interface SftBatches<Clip extends ContrastedClip = ContrastedClip> {
  readonly batches: readonly TokenBatch[];
  readonly feeds: Feeds;
  /** Clips whose pictures are shown: those that are contrasted. */
  readonly seeing: readonly Clip[];
}

/** Texts of one clip in one step: a caption of it where it has one, drawn where it has several, then others in random order. */
export const chooseTexts = <Text extends { readonly skill: string }>(
  texts: readonly Text[],
  count: number,
  key: readonly (string | number)[],
): Text[] => {
  const captions = texts.filter(({ skill }) => captionSkills.has(skill));
  const caption = captions.length > 1 ? seededRandom(...key, "caption").pick(captions) : captions[0];
  const others = seededRandom(...key).shuffled(texts.filter((text) => text !== caption));
  return [...(caption === undefined ? [] : [caption]), ...others].slice(0, count);
};

/** Whether the i-th of `count` clips is blind: `blind` of them, spread so that no batch gets them all. */
export const isBlind = (i: number, count: number, blind: number): boolean =>
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
  const texts = chooseTexts(clip.texts, textsPerClip, [seed, "texts", step, i]).map(({ prompt, target }) => {
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

/** The batches of a step, a pure function of clips, seed, step and what the queue remembers. */
export const sftBatches = (
  clips: readonly TrainingClip[],
  objective: LossTerm,
  { rules, tokens, instruction, queue }: SftMeans,
  options: SftBatchOptions,
  step: number,
): SftBatches<TrainingClip> => {
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
    feeds: sftFeeds(
      objective,
      made.map(({ batch, scored }) => ({ scored: scored.length, rows: batch.scored.rows.length })),
      seeing,
      queue,
    ),
    seeing,
  };
};
