import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { ConfigError, messageOf, UnsupportedError } from "../../core/errors.ts";
import { cosine, type ImageTextEncoder, openImageTextEncoder, pooled } from "../image-text-encoder.ts";
import { defineRelevance, type RelevanceDefinition } from "../relevance.ts";
import { scoredInPieces } from "../scored-pieces.ts";

const version = "2";

const params = z.strictObject({
  model: z.string().min(1).optional().describe("folder with ONNX towers and tokenizer, or a hub name"),
  template: z
    .string()
    .default("a photo of someone who {}")
    .describe("text around a keyword; {} is the keyword"),
  dtype: z.enum(["fp32", "fp16", "q8", "int8", "q4"]).default("fp32").describe("which weights of the folder"),
  batch: z.number().int().min(1).default(8).describe("frames per forward pass"),
});

/** CLIP and SigLIP through transformers.js, an optional dependency that is loaded when first used. */
const clip: RelevanceDefinition = defineRelevance({
  summary:
    "CLIP or SigLIP in ONNX form (--relevance clip:FOLDER-or-hub-name; needs @huggingface/transformers)",
  source: "VideoPerceiver (arXiv 2511.18823), eq. 1 with another image-text model",
  params,
  version,
  unit: "how alike picture and keywords are: cosine, -1 to 1",
  costPerFrame: "one pass of the image tower; ViT-B/32: about 4.4 GFLOP",
  inputPixels: 512,
  resizer: "pillow",
  keyFrameRule: {},
  usesText: true,
  remembers: false,
  argument: "model",
  create: (settings) => {
    let encoder: Promise<ImageTextEncoder> | undefined;
    let weights = "unopened";
    return {
      version: () => `${version}/${weights}`,
      score: async (request) => {
        const { model } = settings;
        if (model === undefined)
          throw new ConfigError("relevance clip needs a model", {
            hint: "give --relevance clip:FOLDER or a hub name",
          });
        if (/^[./]/.test(model) && !existsSync(model))
          throw new ConfigError("no such model folder", { where: model });
        if (request.keywords.length === 0)
          throw new ConfigError("relevance clip needs keywords", { hint: "give --keywords a,b" });
        encoder ??= openImageTextEncoder(existsSync(model) ? resolve(model) : model, settings.dtype);
        let open: ImageTextEncoder;
        try {
          open = await encoder;
        } catch (error) {
          encoder = undefined;
          if (error instanceof ConfigError) throw error;
          throw new UnsupportedError("cannot open the image-text model", {
            where: model,
            got: messageOf(error),
            cause: error,
          });
        }
        weights = open.version;
        const target = pooled(
          await open.texts(request.keywords.map((keyword) => settings.template.replaceAll("{}", keyword))),
        );
        return scoredInPieces(request, async (batch) => {
          const scores: number[] = [];
          for (let at = 0; at < batch.frames.length; at += settings.batch) {
            const to = Math.min(batch.frames.length, at + settings.batch);
            for (const image of await open.images(batch, at, to)) scores.push(cosine(image, target));
          }
          return scores;
        });
      },
      close: async () => {
        await (await encoder)?.close();
      },
    };
  },
});

export default clip;
