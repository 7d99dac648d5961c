import type OpenAI from "openai";
import { sha256 } from "../../core/files.ts";
import { jpegOf } from "../../frames/jpeg-picture.ts";
import { pictureGrid } from "../../frames/picture-grid.ts";
import type { RgbPicture, ShownAt } from "../clip-pictures.ts";
import type { AskedPrompt } from "../prompt.ts";
import type { Films } from "./films.ts";

/** How pictures reach an endpoint. */
export type PicturesAs = "images" | "video_url" | "jpeg_video_url" | "grid";

/** Part of a message. `video_url` is what vLLM and its relatives take besides OpenAI's own parts. */
type Part =
  | OpenAI.ChatCompletionContentPart
  | { readonly type: "video_url"; readonly video_url: { readonly url: string } };

/** JPEGs in base64; the same picture of a clip is encoded once. */
export class JpegPictures {
  readonly #known = new WeakMap<RgbPicture, Promise<string>>();
  readonly #quality: number;
  constructor(quality: number) {
    this.#quality = quality;
  }
  /** One picture in base64. */
  of(picture: RgbPicture): Promise<string> {
    const known =
      this.#known.get(picture) ??
      jpegOf(picture.pixels, picture, this.#quality).then((bytes) => bytes.toString("base64"));
    this.#known.set(picture, known);
    return known;
  }
}

/** What makes parts of pictures. */
export interface PictureEncoding {
  readonly as: PicturesAs;
  /** Says in front of every image when it is shown; images only. */
  readonly tellTimes: boolean;
  readonly jpegs: JpegPictures;
  readonly films: Films;
}

/** What is said of a grid. How many frames it has, and that time runs as they stand, are answers elsewhere. */
export const gridText = (frames: number): string =>
  frames === 1
    ? "The picture shows one frame of a video."
    : "The picture shows frames of one video in the order in which the video shows them, from left to right and from top to bottom.";

const mediaParts = async (shown: readonly ShownAt[], encoding: PictureEncoding): Promise<Part[]> => {
  if (shown.length === 0) return [];
  if (encoding.as === "video_url") {
    const url = `data:video/mp4;base64,${await encoding.films.of(shown)}`;
    return [{ type: "video_url", video_url: { url } }];
  }
  if (encoding.as === "grid") {
    const grid = pictureGrid(shown.map(({ picture }) => picture));
    return [
      { type: "image_url", image_url: { url: `data:image/jpeg;base64,${await encoding.jpegs.of(grid)}` } },
      { type: "text", text: gridText(shown.length) },
    ];
  }
  const encoded = await Promise.all(shown.map(({ picture }) => encoding.jpegs.of(picture)));
  if (encoding.as === "jpeg_video_url")
    return [{ type: "video_url", video_url: { url: `data:video/jpeg;base64,${encoded.join(",")}` } }];
  return encoded.flatMap((data, at): Part[] => {
    const { timeSeconds } = shown[at]!;
    return [
      ...(encoding.tellTimes ? [{ type: "text" as const, text: `${timeSeconds.toFixed(2)} s` }] : []),
      { type: "image_url", image_url: { url: `data:image/jpeg;base64,${data}` } },
    ];
  });
};

/** The conversation that asks one question. */
export const messagesFor = async (
  { system, text, prefill, textFirst }: AskedPrompt,
  shown: readonly ShownAt[],
  encoding: PictureEncoding,
): Promise<OpenAI.ChatCompletionMessageParam[]> => {
  const media = await mediaParts(shown, encoding);
  const question: Part = { type: "text", text };
  const content = (textFirst === true ? [question, ...media] : [...media, question]) as never;
  return [
    ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
    { role: "user", content },
    ...(prefill === undefined ? [] : [{ role: "assistant" as const, content: prefill }]),
  ];
};

/** The name under which the answer to a request is kept: everything that decides it. */
export const requestKey = (baseUrl: string, body: unknown, draw: number): string =>
  sha256(JSON.stringify(["answer@1", baseUrl, body, draw]));
