import { decideReplacements, framePrint, pairOf } from "../../absent/build-pair.ts";
import { absentBuilders } from "../../absent/builders.ts";
import type { Pair } from "../../absent/pair.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { DualEncoder } from "../../engine/onnx/dual-encoder.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import type { PeakOptions } from "../../selection/peaks.ts";
import { relevanceProviders } from "../../selection/relevance.ts";
import type { MemoryClip } from "./clips.ts";

/** A clip with its pair. */
export interface PairedClip extends MemoryClip {
  readonly pair: Pair;
}

/** How well key frames that were found agree with the scripted truth. */
export interface PairQuality {
  /** Share of key frames that lie in an event. */
  readonly hitRate: number;
  /** Share of sampled frames that lie in an event: what random key frames would hit. */
  readonly eventShare: number;
  /** Share of clips of which every event frame is replaced by a frame outside all events. */
  readonly eventGone: number;
  /** Share of sampled frames that are key. */
  readonly keyShare: number;
}

/** How pairs are made. */
export interface PairOptions {
  readonly peaks: PeakOptions;
  readonly builder: string;
  readonly builderParams: Readonly<Record<string, number>>;
  readonly seed: number;
}

/** Makes a pair from ready scores. */
const pairFrom = async (
  clip: MemoryClip,
  scores: ArrayLike<number>,
  relevance: Pair["relevance"],
  { peaks, builder: name, builderParams, seed }: PairOptions,
): Promise<PairedClip> => {
  const builder = await absentBuilders.make(name, builderParams);
  const { clip: source, keywords = [], provenance } = clip.samples[0]!;
  const sampled = clip.frames.frames;
  const request = {
    clip: { file: source.file, sha256: source.sha256 },
    full: source.timeline,
    sampled,
    caption: String(provenance["caption"] ?? ""),
    keywords,
    peaks,
    builder,
    seed,
    allowNothing: true,
  };
  const prints = sampled.map((_, position) => framePrint(clip.frames, position));
  const decision = decideReplacements(request, scores);
  const { pair } = pairOf(request, relevance, scores, decision, (a, b) => prints[a] === prints[b]);
  const { keyFrames, replacements } = pair;
  const samples = clip.samples.map((sample): Sample => ({ ...sample, absent: { keyFrames, replacements } }));
  return { ...clip, samples, pair };
};

/** Pairs whose key frames our own frame-text encoder found. */
export const detectedPairs = async (
  clips: readonly MemoryClip[],
  encoder: DualEncoder,
  options: PairOptions,
  each: (done: number) => void,
): Promise<PairedClip[]> => {
  const paired: PairedClip[] = [];
  const relevance = { name: "checkpoint", params: { folder: "relevance" }, version: encoder.version };
  for (const clip of clips) {
    const frames = clip.frames.frames.map((_, position) => pixelsOf(clip.frames, position));
    const scores = await encoder.score(frames, clip.samples[0]!.keywords ?? []);
    paired.push(await pairFrom(clip, scores, relevance, options));
    each(paired.length);
  }
  return paired;
};

/** Pairs from the scripted truth: every frame of an event shows the last frame before it. */
export const truePairs = async (clips: readonly MemoryClip[], seed: number): Promise<PairedClip[]> => {
  const provider = await relevanceProviders.make("events");
  const paired: PairedClip[] = [];
  for (const clip of clips) {
    const scores = await provider.value.score({
      frames: (async function* () {})(),
      timeline: clip.frames.frames,
      keywords: [],
      caption: "",
      context: { spans: clip.samples[0]!.events ?? [] },
    });
    const relevance = { ...provider.recipe, version: provider.value.version() };
    paired.push(
      await pairFrom(clip, scores, relevance, { peaks: {}, builder: "span", builderParams: {}, seed }),
    );
  }
  return paired;
};

/** Compares found key frames with the truth. */
export const pairQuality = (clips: readonly PairedClip[]): PairQuality => {
  let [keys, hits, inside, sampled, gone] = [0, 0, 0, 0, 0];
  for (const { pair, samples, frames } of clips) {
    const events = samples[0]!.events ?? [];
    const isEvent = new Map(
      frames.frames.map(({ index, timeSeconds }) => [
        index as number,
        events.some(
          ({ startSeconds, endSeconds }) => timeSeconds >= startSeconds && timeSeconds < endSeconds,
        ),
      ]),
    );
    const from = new Map(pair.replacements.map((replacement) => [replacement.index, replacement.from]));
    keys += pair.keyFrames.length;
    hits += pair.keyFrames.filter((index) => isEvent.get(index) === true).length;
    sampled += isEvent.size;
    const eventFrames = [...isEvent].filter(([, event]) => event);
    inside += eventFrames.length;
    if (eventFrames.every(([index]) => isEvent.get(from.get(index) ?? index) !== true)) gone++;
  }
  return {
    hitRate: hits / Math.max(1, keys),
    eventShare: inside / sampled,
    eventGone: gone / clips.length,
    keyShare: keys / sampled,
  };
};
