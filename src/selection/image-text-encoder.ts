import { existsSync } from "node:fs";
import { ConfigError, InternalError, UnsupportedError } from "../core/errors.ts";
import { loadTransformers } from "../core/transformers-js.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { resizeBicubic } from "../frames/resize.ts";
import { fittedSize, type ResizeConfig } from "./fitted-size.ts";
import { towersVersion } from "./tower-files.ts";

/** Both towers of an image-text model. */
export interface ImageTextEncoder {
  /** One vector a text. */
  texts(texts: readonly string[]): Promise<Float32Array[]>;
  /** One vector a frame for positions [from, to) of the batch. */
  images(batch: FrameBatch, from: number, to: number): Promise<Float32Array[]>;
  /** What names the weights: a hash of the towers of a local folder, the name of a hub model. */
  readonly version: string;
  close(): Promise<void>;
}

/** Mean of the vectors after each is brought to length 1. @source VideoPerceiver, eq. 1 (pooled keyword embedding) */
export const pooled = (vectors: readonly Float32Array[]): Float64Array => {
  const result = new Float64Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) {
    const length = Math.hypot(...vector) || 1;
    for (let i = 0; i < vector.length; i++) result[i]! += vector[i]! / length / vectors.length;
  }
  return result;
};

/** Cosine of two vectors; 0 when one of them is 0. */
export const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let dot = 0;
  let lengthA = 0;
  let lengthB = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    lengthA += a[i]! * a[i]!;
    lengthB += b[i]! * b[i]!;
  }
  return lengthA === 0 || lengthB === 0 ? 0 : dot / Math.sqrt(lengthA * lengthB);
};

/** The part of transformers.js that is used; its own types are too wide to be checked here. */
interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}
type Model = ((inputs: object) => Promise<Readonly<Record<string, Tensor | undefined>>>) & {
  dispose(): Promise<unknown>;
};
type Tokenizer = ((
  texts: string[],
  options: object,
) => { readonly input_ids: readonly { readonly length: number }[] }) & {
  readonly model_max_length?: number;
};
type Processor = ((images: unknown[]) => Promise<object>) & {
  readonly config?: ResizeConfig;
  readonly image_processor?: { readonly config?: ResizeConfig };
};
interface Loader<T> {
  from_pretrained(name: string, options: object): Promise<T>;
}
interface Library {
  readonly AutoConfig: Loader<{ model_type?: string }>;
  readonly AutoTokenizer: Loader<Tokenizer>;
  readonly AutoProcessor: Loader<Processor>;
  readonly CLIPTextModelWithProjection: Loader<Model>;
  readonly CLIPVisionModelWithProjection: Loader<Model>;
  readonly SiglipTextModel: Loader<Model>;
  readonly SiglipVisionModel: Loader<Model>;
  readonly RawImage: new (
    data: Uint8ClampedArray,
    width: number,
    height: number,
    channels: number,
  ) => unknown;
}

const rowsOf = (tensor: Tensor | undefined): Float32Array[] => {
  if (tensor === undefined) throw new InternalError("the model has neither embeddings nor a pooled output");
  const [count = 0, width = 0] = tensor.dims;
  return Array.from({ length: count }, (_, at) => tensor.data.slice(at * width, (at + 1) * width));
};

/**
 * Opens the towers of a folder in the layout of transformers.js (`onnx/text_model.onnx`, `onnx/vision_model.onnx`), or
 * of a hub name. Where the model's processor resizes with the bicubic filter, pictures are resized by ours, which is
 * Pillow's bit for bit, before the library sees them: its own resizing gives other pixels.
 *
 * @throws {ConfigError} when a local folder lacks a file
 * @throws {UnsupportedError} when the optional dependency is missing or the model is neither CLIP nor SigLIP
 */
export const openImageTextEncoder = async (model: string, dtype: string): Promise<ImageTextEncoder> => {
  const version = existsSync(model) ? await towersVersion(model, dtype) : model;
  const { library, name } = await loadTransformers<Library>(model);
  const config = await library.AutoConfig.from_pretrained(name, {});
  const kind = config.model_type ?? "nothing";
  if (!/^(?:clip|siglip|siglip2)$/.test(kind))
    throw new UnsupportedError("not a CLIP or SigLIP model", { where: model, got: `model_type ${kind}` });
  const isClip = kind === "clip";
  const options = { dtype };
  const [tokenizer, processor, textTower, imageTower] = await Promise.all([
    library.AutoTokenizer.from_pretrained(name, {}),
    library.AutoProcessor.from_pretrained(name, {}),
    (isClip ? library.CLIPTextModelWithProjection : library.SiglipTextModel).from_pretrained(name, options),
    (isClip ? library.CLIPVisionModelWithProjection : library.SiglipVisionModel).from_pretrained(
      name,
      options,
    ),
  ]);
  const resizing = processor.image_processor?.config ?? processor.config ?? {};
  const pictureOf = (batch: FrameBatch, position: number): unknown => {
    const { width, height } = batch;
    const pixels = pixelsOf(batch, position);
    const size = fittedSize(resizing, width, height) ?? { width, height };
    const resized = resizeBicubic(pixels, width, height, size.width, size.height);
    return new library.RawImage(new Uint8ClampedArray(resized), size.width, size.height, 3);
  };
  return {
    version,
    texts: async (texts) => {
      const padding = isClip ? true : "max_length";
      const most = tokenizer.model_max_length ?? Number.POSITIVE_INFINITY;
      const lengths = tokenizer([...texts], { return_tensor: false }).input_ids.map(({ length }) => length);
      // The library's truncation would cut the end token off, from which the text's vector is read.
      if (Math.max(...lengths) > most)
        throw new ConfigError("a keyword is too long for the model", {
          where: model,
          expected: `at most ${most} tokens, the words around it included`,
          got: String(Math.max(...lengths)),
        });
      const inputs = tokenizer([...texts], { padding });
      const out = await textTower(inputs);
      return rowsOf(out["text_embeds"] ?? out["pooler_output"]);
    },
    images: async (batch, from, to) => {
      const pictures = Array.from({ length: to - from }, (_, at) => pictureOf(batch, from + at));
      const out = await imageTower(await processor(pictures));
      return rowsOf(out["image_embeds"] ?? out["pooler_output"]);
    },
    close: async () => {
      await Promise.all([textTower.dispose(), imageTower.dispose()]);
    },
  };
};
