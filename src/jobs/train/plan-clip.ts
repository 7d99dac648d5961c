/** From samples to token ids: which frames are looked at, how large they become, how many tokens that is. */
import { resolve } from "node:path";
import sharp from "sharp";
import { DataFormatError, messageOf, VideoPerceiverError } from "../../core/errors.ts";
import type { Message, Sample } from "../../dataset/sample.ts";
import type { ModelConfig } from "../../model/config.ts";
import { conversationTokens, type PlannedVisual } from "../../model/conversation.ts";
import type { Processor } from "../../model/processor.ts";
import type { MediaPart } from "../../model/processor-rules.ts";
import type { ConversationText } from "../../training/conversations.ts";
import { localFile } from "../../video/local-file.ts";
import type { VideoService } from "../../video/service.ts";
import type { LookRequest } from "../ask/answerer.ts";
import { unevenFrames } from "../ask/chosen-frames.ts";
import { type Dropped, mediaParts, type SampleGroup } from "./rows.ts";

/** What planning needs of a checkpoint and of whoever reads clips. */
export interface PlanMeans {
  readonly processor: Processor;
  readonly config: ModelConfig;
  readonly video: Pick<VideoService, "probe" | "frames">;
  /** How clips are looked at where a sample does not say. */
  readonly look: LookRequest;
  /** Longest conversation in tokens. */
  readonly mostTokens: number;
  readonly dropped: Dropped;
  /** Content of a file, so that a clip is the one of the data set; left out: its number of frames says so. */
  readonly sha256?: ((file: string) => Promise<string>) | undefined;
}

/** A visual of a conversation with where it comes from. */
export interface PlannedMedia extends PlannedVisual {
  readonly file: string;
  /** Frames of the clip, possibly repeated; [0] of an image. */
  readonly indices: readonly number[];
  /** Sizes through which a frame goes, one after the other. */
  readonly sizes: readonly PlannedVisual["size"][];
  /** True for the clip whose twin the samples know. */
  readonly isClip: boolean;
}

/** A group as tokens, its pictures still to be decoded. */
export interface PlannedClip {
  readonly id: string;
  readonly media: readonly PlannedMedia[];
  readonly texts: readonly ConversationText[];
  readonly group: SampleGroup;
}

/** The whole conversation of a sample: its messages and its answer. */
export const conversationOf = ({ messages, answer }: Sample): Message[] => [
  ...messages,
  { role: "assistant", content: [{ type: "text", text: answer }] },
];

const withLook = (
  part: Extract<MediaPart, { type: "video" }>,
  look: LookRequest,
): typeof part & { nframes?: number } => {
  const asked = part as typeof part & { nframes?: number };
  const says = asked.fps !== undefined || asked.nframes !== undefined;
  return {
    ...(look.fps === undefined || says ? {} : { fps: look.fps }),
    ...(look.frames === undefined || says ? {} : { nframes: look.frames }),
    ...(look.minPixels === undefined ? {} : { min_pixels: look.minPixels }),
    ...(look.maxPixels === undefined ? {} : { max_pixels: look.maxPixels }),
    ...(look.totalPixels === undefined ? {} : { total_pixels: look.totalPixels }),
    ...part,
  };
};

/** @throws {DataFormatError} for another clip in the place of the data set's */
const checkIsClip = async (
  file: string,
  frames: number,
  { clip }: Sample,
  { sha256 }: PlanMeans,
): Promise<void> => {
  const wrong = (expected: string, got: string): DataFormatError =>
    new DataFormatError("a clip that is not the one of the data set", { where: file, expected, got });
  const expected = clip.timeline.length;
  if (frames !== expected) throw wrong(`${expected} frames`, String(frames));
  const content = await sha256?.(file);
  if (content !== undefined && content !== clip.sha256)
    throw wrong(`content ${clip.sha256.slice(0, 12)}…`, `${content.slice(0, 12)}…`);
};

const planVideo = async (
  part: Extract<MediaPart, { type: "video" }>,
  sample: Sample,
  folder: string,
  means: PlanMeans,
  signal: AbortSignal,
): Promise<PlannedMedia> => {
  const { processor, video, look } = means;
  const file = resolve(folder, localFile(part.video));
  const isClip = file === resolve(folder, localFile(sample.clip.file));
  const info = await video.probe(file, signal);
  const frames = info.timeline.length;
  if (isClip) await checkIsClip(file, frames, sample, means);
  const asked = withLook(part, look);
  const own = { file, isClip, kind: "video" } as const;
  if (isClip && sample.frames !== undefined) {
    const sizes = processor.sizesOf(asked, info, sample.frames.length);
    const times = sample.frames.map((index) => info.timeline[index]!.timeSeconds as number);
    const uneven = unevenFrames(times, processor.settings.temporalPatchSize, info.averageFps);
    const { length } = sample.frames;
    return { ...own, indices: sample.frames, sizes, size: sizes.at(-1)!, frames: length, ...uneven };
  }
  const whole = { width: info.width, height: info.height, frames, framesPerSecond: info.averageFps };
  // The processor takes every other field of a request for a number.
  const { type: _, video: __, ...request } = asked;
  const { indices, sampleFps, sizes } = processor.look(whole, request);
  return { ...own, indices, sizes, size: sizes.at(-1)!, frames: indices.length, framesPerSecond: sampleFps };
};

const planImage = async (
  part: Extract<MediaPart, { type: "image" }>,
  folder: string,
  { processor }: PlanMeans,
): Promise<PlannedMedia> => {
  const file = resolve(folder, localFile(part.image));
  try {
    const { autoOrient } = await sharp(file).metadata();
    const sizes = processor.sizesOf(part, autoOrient, 1);
    const own = { file, isClip: false, kind: "image", indices: [0] } as const;
    return { ...own, sizes, size: sizes.at(-1)!, frames: 1, framesPerSecond: 0 };
  } catch (error) {
    if (error instanceof VideoPerceiverError) throw error;
    throw new DataFormatError("an image that cannot be read", {
      where: file,
      got: messageOf(error),
      cause: error,
    });
  }
};

/**
 * A group's conversations as tokens. A sample that cannot be one is dropped and named.
 *
 * @returns undefined when none is left
 */
export const planConversations = async (
  group: SampleGroup,
  means: PlanMeans,
  signal: AbortSignal,
): Promise<PlannedClip | undefined> => {
  const { folder, samples } = group;
  const { processor, config, mostTokens, dropped } = means;
  const [first] = samples;
  const drop = (sample: Sample, error: unknown): void => {
    signal.throwIfAborted();
    if (!(error instanceof VideoPerceiverError)) throw error;
    dropped.add({ file: resolve(folder, sample.clip.file), id: sample.id, reason: error.message });
  };
  const media: PlannedMedia[] = [];
  try {
    for (const part of mediaParts(first!.messages))
      media.push(
        part.type === "video"
          ? await planVideo(part, first!, folder, means, signal)
          : await planImage(part, folder, means),
      );
  } catch (error) {
    for (const sample of samples) drop(sample, error);
    return undefined;
  }
  const texts: ConversationText[] = [];
  for (const sample of samples)
    try {
      const tokens = conversationTokens(conversationOf(sample), media, processor, config);
      if (tokens.ids.length > mostTokens)
        throw new DataFormatError("a conversation that is too long", {
          expected: `${mostTokens} tokens at most`,
          got: String(tokens.ids.length),
          hint: "fewer or smaller frames: --set look.fps, look.frames, look.maxPixels",
        });
      texts.push({ sampleId: sample.id, skill: sample.skill ?? "all", tokens });
    } catch (error) {
      drop(sample, error);
    }
  const { sha256 } = first!.clip;
  return texts.length === 0
    ? undefined
    : { id: media.length === 0 ? first!.id : sha256, media, texts, group };
};

/** Plans of groups, kept until there is no more room: an epoch makes no token ids that one before it has made. */
export class KeptPlans {
  readonly #most: number;
  readonly #kept = new Map<SampleGroup, PlannedClip>();
  #bytes = 0;

  /** @param most bytes of tokens, positions and what is learnt of them */
  constructor(most: number) {
    this.#most = most;
  }

  /** As {@link planConversations}. */
  async of(group: SampleGroup, means: PlanMeans, signal: AbortSignal): Promise<PlannedClip | undefined> {
    const kept = this.#kept.get(group);
    if (kept !== undefined) return kept;
    const planned = await planConversations(group, means, signal);
    if (planned === undefined || this.#kept.has(group)) return planned;
    const bytes = planned.texts.reduce(
      (sum, { tokens: { ids, positions, spoken, places } }) =>
        sum + ids.byteLength + positions.byteLength + spoken.byteLength + places.byteLength,
      0,
    );
    if (this.#bytes + bytes > this.#most) return planned;
    this.#bytes += bytes;
    this.#kept.set(group, planned);
    return planned;
  }
}
