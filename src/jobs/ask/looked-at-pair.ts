import { buildPair } from "../../absent/build-pair.ts";
import { absentBuilders, type PixelOperation } from "../../absent/builders.ts";
import { keywordExtractors } from "../../absent/keywords.ts";
import type { Pair } from "../../absent/pair.ts";
import { ConfigError } from "../../core/errors.ts";
import { chooseRelevance } from "../../selection/relevance-choice.ts";
import type { VideoInfo } from "../../video/types.ts";
import { sampledFrames } from "../clip-analysis.ts";
import type { Clips } from "../video-options.ts";
import type { Look } from "./answerer.ts";

/** How the twin of what a model looks at is made. */
export interface TwinChoices {
  /** `NAME` or `NAME:ARG` of a relevance provider. */
  readonly relevance: string;
  /** Name of a builder. */
  readonly builder: string;
  /** What happens in the clip. */
  readonly caption: string;
  /** Instead of extracting them from the caption; empty: extract them when the provider reads text. */
  readonly keywords: readonly string[];
}

/** A virtual pair, and what its builder does to the pixels of declared frames. */
export interface LookedAtPair {
  readonly pair: Pair;
  readonly pixels: PixelOperation | undefined;
}

/** Keywords of a caption by the offline rules. @throws {ConfigError} when it names no action */
const keywordsIn = async (caption: string, signal: AbortSignal): Promise<readonly string[]> => {
  const extractor = await keywordExtractors.make("offline");
  const outcome = await extractor.value.extract(caption, signal);
  if (outcome.status === "ok") return outcome.keywords;
  throw new ConfigError("no keywords in the caption", {
    got: caption,
    hint: "say what happens with --caption, or give --keywords a,b",
  });
};

/**
 * A virtual pair over the frames that a model looks at, so that what is taken away is what it would have seen.
 *
 * @throws {UnknownNameError} for an unknown provider or builder
 * @throws {ConfigError} when the provider reads text and the caption names no action
 */
export const lookedAtPair = async (
  { video, sha256 }: Clips,
  info: VideoInfo,
  look: Look,
  choices: TwinChoices,
  signal: AbortSignal,
): Promise<LookedAtPair> => {
  const { file } = info;
  const { definition, made } = await chooseRelevance(choices.relevance);
  const builder = await absentBuilders.make(choices.builder);
  const { caption } = choices;
  const isExtracted = choices.keywords.length === 0 && definition.usesText;
  const keywords = isExtracted ? await keywordsIn(caption, signal) : choices.keywords;
  const sampled = [...new Set(look.indices)].map((index) => info.timeline[index]!);
  try {
    const { pair } = await buildPair({
      clip: { file, sha256: await sha256(file) },
      full: info.timeline,
      sampled,
      caption,
      keywords,
      peaks: definition.keyFrameRule,
      builder,
      seed: 0,
      allowNothing: true,
      frames: sampledFrames(video, file, info, sampled, definition, signal),
      relevance: made,
      context: { signal },
    });
    return { pair, pixels: builder.value.pixels };
  } finally {
    await made.value.close?.();
  }
};

/**
 * The pictures of the twin, one a position of the look.
 *
 * @param sourceAt rgb24 of the look's size that the twin shows at a position, before the builder's pixel operation
 */
export const twinFrames = (
  { pair, pixels }: LookedAtPair,
  { indices, width, height }: Look,
  sourceAt: (position: number) => Uint8Array,
): Uint8Array[] => {
  const declared = new Set(pair.replacements.map(({ index }) => index as number));
  return indices.map((index, position) => {
    const frame = sourceAt(position);
    if (pixels === undefined || !declared.has(index)) return frame;
    const changed = frame.slice();
    pixels(changed, width, height);
    return changed;
  });
};
