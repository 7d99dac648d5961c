import { absentBuilders } from "../../absent/builders.ts";
import { makePair, type PairSurroundings } from "../../absent/make-pair.ts";
import type { Pair } from "../../absent/pair.ts";
import { memorySource } from "../../absent/pair-source.ts";
import type { TwinView } from "../../absent/twin-view.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { FrameTextEncoder } from "../../engine/dual-encoder.ts";
import type { FrameTextScorer } from "../../selection/frame-text-scorer.ts";
import type { PeakOptions } from "../../selection/peaks.ts";
import { type ChosenRelevance, chooseRelevance } from "../../selection/relevance-choice.ts";
import { scorerOf } from "../open-scorer.ts";
import type { MemoryClip } from "./clips.ts";

export interface PairedClip extends MemoryClip {
  readonly pair: Pair;
  /** What the twin shows. */
  readonly view: TwinView;
}

/** How pairs are made. */
export interface PairOptions {
  readonly peaks: PeakOptions;
  readonly builder: string;
  readonly builderParams: Readonly<Record<string, number>>;
  readonly seed: number;
}

/** The pair of a clip in memory, and its samples with the twin. */
const pairedClip = async (
  clip: MemoryClip,
  relevance: ChosenRelevance,
  { peaks, builder: name, builderParams, seed }: PairOptions,
  around: PairSurroundings,
): Promise<PairedClip> => {
  const { clip: reference, keywords = [], provenance } = clip.samples[0]!;
  const { file, sha256, timeline } = reference;
  const { pair, view } = await makePair(
    memorySource({ file, sha256 }, timeline, clip.frames),
    {
      caption: String(provenance["caption"] ?? ""),
      keywords,
      relevance,
      keyFrameRule: peaks,
      builder: await absentBuilders.make(name, builderParams),
      seed,
      sampled: clip.frames.frames,
      allowNothing: true,
    },
    around,
  );
  const { keyFrames, replacements, builder } = pair;
  const samples = clip.samples.map(
    (sample): Sample => ({ ...sample, absent: { keyFrames, replacements, builder } }),
  );
  return { ...clip, samples, pair, view };
};

/** Pairs whose key frames our own frame-text encoder found. */
export const detectedPairs = async (
  clips: readonly MemoryClip[],
  encoder: FrameTextEncoder,
  options: PairOptions,
  each: (done: number) => void,
): Promise<PairedClip[]> => {
  const paired: PairedClip[] = [];
  // Where the encoder lies beside the pairs; its owner closes it.
  const relevance = await chooseRelevance("checkpoint:relevance");
  const openScorer = async (): Promise<FrameTextScorer> => scorerOf(encoder);
  for (const clip of clips) {
    paired.push(await pairedClip(clip, relevance, options, { openScorer }));
    each(paired.length);
  }
  return paired;
};

/** Pairs from the scripted truth: every frame of an event shows the last frame before it. */
export const truePairs = async (clips: readonly MemoryClip[], seed: number): Promise<PairedClip[]> => {
  const relevance = await chooseRelevance("events");
  const options = { peaks: {}, builder: "span", builderParams: {}, seed };
  const paired: PairedClip[] = [];
  for (const clip of clips)
    paired.push(await pairedClip(clip, relevance, options, { spans: clip.samples[0]!.events ?? [] }));
  return paired;
};
