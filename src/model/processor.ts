import { DataFormatError, ShapeError } from "../core/errors.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { type Grid, visualTokensOf } from "../frames/grid.ts";
import { patchesFrom } from "../frames/patches.ts";
import type { Size } from "../frames/smart-resize.ts";
import {
  type ChatMessage,
  type ChatOptions,
  type ChatTemplate,
  chatTemplate,
  loadChatTemplate,
} from "../text/chat-template.ts";
import { loadTokenizer, type Tokenizer } from "../text/tokenizer.ts";
import type { MediaPart, ProcessorPart, ProcessorRules } from "./processor-rules.ts";
import { loadProcessorSettings, type ProcessorSettings } from "./processor-settings.ts";

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

const prepare = (
  part: MediaPart,
  { frames: batch, sampleFps }: Media,
  settings: ProcessorSettings,
  rules: ProcessorRules,
  resize: Resize,
): Visual => {
  const given = batch.frames.length;
  if (given === 0 || (part.type === "image" && given !== 1))
    throw new ShapeError(`frames of ${withArticle(part.type)}`, {
      expected: part.type === "image" ? "1" : "at least 1",
      got: `${given}`,
    });
  const depth = settings.temporalPatchSize;
  const frames = part.type === "video" ? Math.ceil(given / depth) * depth : 1;
  const size = rules.sizeOf(part, batch, frames, settings);
  const same = size.width === batch.width && size.height === batch.height;
  const bytes = size.width * size.height * 3;
  const resized = new Uint8Array(frames * bytes);
  for (let frame = 0; frame < given; frame++) {
    const rgb = pixelsOf(batch, frame);
    const picture = same ? rgb : resize(rgb, batch.width, batch.height, size.width, size.height);
    if (picture.length !== bytes)
      throw new ShapeError("resized picture", { expected: `${bytes} bytes`, got: `${picture.length}` });
    resized.set(picture, frame * bytes);
  }
  for (let frame = given; frame < frames; frame++)
    resized.copyWithin(frame * bytes, (given - 1) * bytes, given * bytes);
  const rate = part.type === "video" ? (sampleFps ?? part.sample_fps ?? part.fps ?? defaultFps) : 1;
  if (!(rate > 0)) throw new ShapeError("rate of a video", { expected: "a number > 0", got: String(rate) });
  return {
    kind: part.type,
    ...patchesFrom(resized, frames, size.height, size.width, settings),
    secondsPerGrid: part.type === "video" ? Math.fround(depth / rate) : 0,
    size,
    resized,
  };
};

/** A processor from its parts; {@link loadProcessor} takes them from a checkpoint's folder. */
export const processorFrom = (
  tokenizer: Tokenizer,
  template: ChatTemplate,
  settings: ProcessorSettings,
  rules: ProcessorRules,
  resize: Resize,
): Processor => {
  const imageId = tokenizer.idOf(rules.placeholders.image);
  const videoId = tokenizer.idOf(rules.placeholders.video);
  const visual: Processor["visual"] = (part, media) => prepare(part, media, settings, rules, resize);
  const encode: Processor["encode"] = (messages, visuals, options = {}) => {
    const images: Visual[] = [];
    const videos: Visual[] = [];
    for (const { content } of messages)
      for (const part of content) {
        if (part.type === "text") continue;
        const given = visuals(part);
        const made = "grid" in given ? given : visual(part, given);
        if (made.kind !== part.type)
          throw new ShapeError("visual of a message", {
            expected: withArticle(part.type),
            got: withArticle(made.kind),
          });
        (part.type === "image" ? images : videos).push(made);
      }
    const chat = template.encode(tokenizer, messages, options);
    const places = [...chat.ids].filter((id) => id === imageId || id === videoId);
    const named = places.filter((id) => id === imageId).length;
    if (named !== images.length || places.length - named !== videos.length)
      throw new DataFormatError("chat template does not place every visual", {
        expected: `${images.length} images, ${videos.length} videos`,
        got: `${named} images, ${places.length - named} videos`,
      });
    const tokens = (list: readonly Visual[]): number[] =>
      list.map(({ grid }) => visualTokensOf(grid, settings.mergeSize));
    const [imageTokens, videoTokens] = [tokens(images), tokens(videos)];
    const total = [...imageTokens, ...videoTokens].reduce((sum, count) => sum + count, 0);
    const inputIds = new Int32Array(chat.ids.length - places.length + total);
    const spoken = new Uint8Array(inputIds.length);
    let at = 0;
    for (const [index, id] of chat.ids.entries()) {
      const repeats = id === imageId ? imageTokens.shift()! : id === videoId ? videoTokens.shift()! : 1;
      inputIds.fill(id, at, at + repeats);
      spoken.fill(chat.spoken[index]!, at, at + repeats);
      at += repeats;
    }
    return { text: chat.text, inputIds, spoken, images, videos };
  };
  return { tokenizer, settings, template, visual, encode };
};

/** The processor of a checkpoint's folder: tokenizer, chat template and picture settings. */
export const loadProcessor = (folder: string, rules: ProcessorRules, resize: Resize): Processor =>
  processorFrom(
    loadTokenizer(folder),
    chatTemplate(loadChatTemplate(folder), folder),
    loadProcessorSettings(folder),
    rules,
    resize,
  );
