import { DataFormatError, ShapeError } from "../core/errors.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { type Grid, visualTokensOf } from "../frames/grid.ts";
import { patchesFrom } from "../frames/patches.ts";
import { resizeBicubic } from "../frames/resize.ts";
import type { Size, VideoPixelRequest } from "../frames/smart-resize.ts";
import {
  type ChatMessage,
  type ChatOptions,
  type ChatTemplate,
  chatTemplate,
  type EncodedChat,
  loadChatTemplate,
} from "../text/chat-template.ts";
import { loadTokenizer, type Tokenizer } from "../text/tokenizer.ts";
import type { FrameCountRequest } from "./frame-count.ts";
import type { MediaPart, ProcessorPart, ProcessorRules } from "./processor-rules.ts";
import { loadProcessorSettings, type ProcessorSettings, patchSettings } from "./processor-settings.ts";

/** Resizes one picture, uint8 [height, width, 3] to [toHeight, toWidth, 3]; bicubic, Pillow-exact where it matters. */
export type Resize = (
  rgb: Uint8Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
) => Uint8Array;

/** One turn; a data set's `Message` fits. */
export interface ProcessorMessage {
  readonly role: ChatMessage["role"];
  readonly content: readonly ProcessorPart[];
}

/** Decoded frames of what a message names. `sampleFps` is the rate of these frames; absent: the part's, or 2. */
export interface Media {
  readonly frames: FrameBatch;
  readonly sampleFps?: number;
}

/** A clip before anything was decoded. */
export interface WholeClip extends Size {
  /** Frames of the whole clip, and its average rate. */
  readonly frames: number;
  readonly framesPerSecond: number;
}

/** What may be asked about a clip's frames and pixels, as a video part of a message says it. */
export interface ClipRequest extends FrameCountRequest, VideoPixelRequest {}

/** The frames of a clip that a model looks at: 0-based, their rate, and the sizes through which they go. */
export interface ClipLook {
  readonly indices: readonly number[];
  readonly sampleFps: number;
  readonly sizes: readonly Size[];
}

/** A visual as the vision tower takes it. P patches of X numbers. */
export interface Visual {
  readonly kind: "image" | "video";
  readonly grid: Grid;
  readonly rows_PX: Float32Array;
  /** Seconds between temporal steps, float32; 0 for an image. */
  readonly secondsPerGrid: number;
  /** Size to which the frames were brought. */
  readonly size: Size;
  /** The resized frames, uint8 [frames, height, width, 3], an odd count made even by repeating the last. */
  readonly resized: Uint8Array;
}

/** A conversation ready for the model. */
export interface Processed {
  /** What the template made of it, placeholders not yet repeated. */
  readonly text: string;
  readonly inputIds: Int32Array;
  /** 1 where the assistant speaks, when it was asked for; same length. */
  readonly spoken: Uint8Array;
  /** In the order of the conversation; images and videos apart, as the model takes them. */
  readonly images: readonly Visual[];
  readonly videos: readonly Visual[];
}

/** Turns conversations into token ids and patches. */
export interface Processor {
  readonly tokenizer: Tokenizer;
  readonly settings: ProcessorSettings;
  readonly template: ChatTemplate;
  /**
   * The frames that are taken from a clip, and the sizes through which they go.
   * @throws {ConfigError} for a request that the clip cannot meet
   */
  look(clip: WholeClip, request: ClipRequest): ClipLook;
  /** Sizes through which the frames of a part go, one after the other. @throws {ConfigError} for limits that cannot be met */
  sizesOf(part: MediaPart, given: Size, frames: number): readonly Size[];
  /** One picture of the given size brought through sizes. */
  bring(rgb: Uint8Array, given: Size, sizes: readonly Size[]): Uint8Array;
  /**
   * Pictures that have their size already as a visual.
   *
   * @param rate frames a second of a video's pictures; default 2
   * @throws {ShapeError} naming what does not fit
   */
  cut(kind: Visual["kind"], pictures: readonly Uint8Array[], size: Size, rate?: number): Visual;
  /** Resizes and cuts the frames of one visual. @throws {ShapeError | ConfigError} naming what does not fit */
  visual(part: MediaPart, media: Media): Visual;
  /**
   * Encodes a conversation. `visuals` answers for each media part in turn: its frames, or the visual made before.
   *
   * @throws {DataFormatError} when the template does not place every visual
   */
  encode(
    messages: readonly ProcessorMessage[],
    visuals: (part: MediaPart) => Media | Visual,
    options?: ChatOptions & { readonly spokenApart?: boolean },
  ): Processed;
}

const defaultFps = 2;

const withArticle = (kind: Visual["kind"]): string => (kind === "image" ? "an image" : "a video");

/** Pictures that have their size as a visual; the last is repeated until the temporal patches are full. */
const cutPictures = (
  kind: Visual["kind"],
  pictures: readonly Uint8Array[],
  size: Size,
  rate: number,
  settings: ProcessorSettings,
): Visual => {
  const given = pictures.length;
  if (given === 0 || (kind === "image" && given !== 1))
    throw new ShapeError(`frames of ${withArticle(kind)}`, {
      expected: kind === "image" ? "1" : "at least 1",
      got: `${given}`,
    });
  if (!(rate > 0)) throw new ShapeError("rate of a video", { expected: "a number > 0", got: String(rate) });
  const depth = settings.temporalPatchSize;
  const frames = kind === "video" ? Math.ceil(given / depth) * depth : 1;
  const bytes = size.width * size.height * 3;
  const resized = new Uint8Array(frames * bytes);
  for (let frame = 0; frame < frames; frame++) {
    const picture = pictures[Math.min(frame, given - 1)]!;
    if (picture.length !== bytes)
      throw new ShapeError("resized picture", { expected: `${bytes} bytes`, got: `${picture.length}` });
    resized.set(picture, frame * bytes);
  }
  return {
    kind,
    ...patchesFrom(resized, frames, size.height, size.width, patchSettings(settings, kind)),
    secondsPerGrid: kind === "video" ? Math.fround(depth / rate) : 0,
    size,
    resized,
  };
};

/**
 * One picture brought through sizes: to the first by `resize`, from there as the processor's own second resize does it.
 * @source transformers 4.49, `Qwen2VLImageProcessor`, which resizes with Pillow
 */
const fitPicture = (rgb: Uint8Array, given: Size, sizes: readonly Size[], resize: Resize): Uint8Array => {
  let picture = rgb;
  let at = given;
  sizes.forEach((to, stage) => {
    const change = stage === 0 ? resize : resizeBicubic;
    if (to.width !== at.width || to.height !== at.height)
      picture = change(picture, at.width, at.height, to.width, to.height);
    at = to;
  });
  return picture;
};

/** The visuals of a conversation, images and videos apart. */
const visualsOf = (
  messages: readonly ProcessorMessage[],
  answer: (part: MediaPart) => Media | Visual,
  make: Processor["visual"],
): Pick<Processed, "images" | "videos"> => {
  const images: Visual[] = [];
  const videos: Visual[] = [];
  for (const { content } of messages)
    for (const part of content) {
      if (part.type === "text") continue;
      const given = answer(part);
      const made = "grid" in given ? given : make(part, given);
      if (made.kind !== part.type)
        throw new ShapeError("visual of a message", {
          expected: withArticle(part.type),
          got: withArticle(made.kind),
        });
      (part.type === "image" ? images : videos).push(made);
    }
  return { images, videos };
};

/** Repeats each placeholder once a visual token. @throws {DataFormatError} when not every visual has its placeholder */
const placeVisuals = (
  chat: EncodedChat,
  placeholders: { readonly image: number; readonly video: number },
  images: readonly Visual[],
  videos: readonly Visual[],
  mergeSize: number,
): Pick<Processed, "inputIds" | "spoken"> => {
  const { image, video } = placeholders;
  const places = [...chat.ids].filter((id) => id === image || id === video);
  const named = places.filter((id) => id === image).length;
  if (named !== images.length || places.length - named !== videos.length)
    throw new DataFormatError("chat template does not place every visual", {
      expected: `${images.length} images, ${videos.length} videos`,
      got: `${named} images, ${places.length - named} videos`,
    });
  const tokens = (list: readonly Visual[]): number[] =>
    list.map(({ grid }) => visualTokensOf(grid, mergeSize));
  const [imageTokens, videoTokens] = [tokens(images), tokens(videos)];
  const total = [...imageTokens, ...videoTokens].reduce((sum, count) => sum + count, 0);
  const inputIds = new Int32Array(chat.ids.length - places.length + total);
  const spoken = new Uint8Array(inputIds.length);
  let at = 0;
  for (const [index, id] of chat.ids.entries()) {
    const repeats = id === image ? imageTokens.shift()! : id === video ? videoTokens.shift()! : 1;
    inputIds.fill(id, at, at + repeats);
    spoken.fill(chat.spoken[index]!, at, at + repeats);
    at += repeats;
  }
  return { inputIds, spoken };
};

/** A processor from its parts; {@link loadProcessor} takes them from a checkpoint's folder. */
export const processorFrom = (
  tokenizer: Tokenizer,
  template: ChatTemplate,
  settings: ProcessorSettings,
  rules: ProcessorRules,
  resize: Resize,
): Processor => {
  const depth = settings.temporalPatchSize;
  const sizesOf: Processor["sizesOf"] = (part, given, count) =>
    rules.sizesOf(part, given, part.type === "video" ? Math.ceil(count / depth) * depth : 1, settings);
  const bring: Processor["bring"] = (rgb, given, sizes) => fitPicture(rgb, given, sizes, resize);
  const cut: Processor["cut"] = (kind, pictures, size, rate = defaultFps) =>
    cutPictures(kind, pictures, size, rate, settings);
  const visual: Processor["visual"] = (part, { frames: batch, sampleFps }) => {
    const sizes = sizesOf(part, batch, batch.frames.length);
    const pictures = batch.frames.map((_, at) => bring(pixelsOf(batch, at), batch, sizes));
    const rate = part.type === "video" ? (sampleFps ?? part.sample_fps ?? part.fps) : undefined;
    return cut(part.type, pictures, sizes.at(-1)!, rate);
  };
  const look: Processor["look"] = (clip, request) => {
    const { indices, sampleFps } = rules.chooseFrames(request, clip.frames, clip.framesPerSecond);
    return {
      indices,
      sampleFps,
      sizes: sizesOf({ type: "video", video: "", ...request }, clip, indices.length),
    };
  };
  const encode: Processor["encode"] = (messages, visuals, options = {}) => {
    const { images, videos } = visualsOf(messages, visuals, visual);
    const chat = template.encode(tokenizer, messages, options);
    const ids = {
      image: tokenizer.idOf(rules.placeholders.image),
      video: tokenizer.idOf(rules.placeholders.video),
    };
    return {
      text: chat.text,
      ...placeVisuals(chat, ids, images, videos, settings.mergeSize),
      images,
      videos,
    };
  };
  return { tokenizer, settings, template, look, sizesOf, bring, cut, visual, encode };
};

/**
 * The processor of a checkpoint's folder: tokenizer, chat template and picture settings.
 *
 * @param tokenizer the folder's own, where it was loaded before
 */
export const loadProcessor = (
  folder: string,
  rules: ProcessorRules,
  resize: Resize,
  tokenizer: Tokenizer = loadTokenizer(folder),
): Processor =>
  processorFrom(
    tokenizer,
    chatTemplate(loadChatTemplate(folder), folder),
    loadProcessorSettings(folder),
    rules,
    resize,
  );
