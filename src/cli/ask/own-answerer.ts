import type { SegmentTokens } from "../../batch/segments.ts";
import { segmentsBatch } from "../../batch/segments-batch.ts";
import { ConfigError } from "../../core/errors.ts";
import { OnnxEngine } from "../../engine/onnx/engine.ts";
import { loadStore, type OpenEngineOptions } from "../../engine/onnx/open.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { stepPatches } from "../../frames/patch-bytes.ts";
import { resizeBicubic } from "../../frames/resize.ts";
import { readPictureSettings } from "../../model/picture-settings.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { indicesForFps } from "../../video/timeline.ts";
import { drawAnswer } from "./answer-rules.ts";
import type { Answerer } from "./answerer.ts";

/** Tokens of a question. @throws {ConfigError} naming words that a small vocabulary lacks */
const questionTokens = (question: string, tokenizer: Tokenizer): number[] => {
  const unknown = tokenizer.added.get("<|unknown|>");
  const words = question
    .toLowerCase()
    .replace(/([?.,!])/g, " $1 ")
    .split(/\s+/)
    .filter((word) => word !== "");
  const strange = words.filter((word) => unknown !== undefined && tokenizer.encode(word).includes(unknown));
  if (strange.length > 0)
    throw new ConfigError("words that this model has never seen", {
      got: strange.join(", "),
      hint: "a model of the scripted world knows the words of its own questions only",
    });
  return tokenizer.encode(words.join(" "));
};

/** A checkpoint of ours: segments behind a clip, frames of one size. */
export const ownAnswerer = async (
  folder: string,
  tokenizer: Tokenizer,
  tokens: SegmentTokens,
  { threads, decodeWeights = "float32" }: OpenEngineOptions,
): Promise<Answerer> => {
  const settings = readPictureSettings(folder);
  const { config, store } = await loadStore(folder, "none");
  const engine = new OnnxEngine(config, store, undefined, { threads, decodeWeights });
  const { width, height } = settings;
  return {
    kind: "trained with segments (ours)",
    look: ({ timeline }, framesPerSecond = settings.framesPerSecond) => ({
      indices: indicesForFps(timeline, framesPerSecond),
      width,
      height,
      framesPerSecond,
    }),
    resize: (batch, position) =>
      batch.width === width && batch.height === height
        ? pixelsOf(batch, position)
        : resizeBicubic(pixelsOf(batch, position), batch.width, batch.height, width, height),
    answer: async ({ frames, framesPerSecond }, question, rules) => {
      const { patchSize, spatialMergeSize, temporalPatchSize } = config.vision;
      const depth = temporalPatchSize;
      const steps = Array.from({ length: Math.ceil(frames.length / depth) }, (_, step) => {
        const shown = Array.from(
          { length: depth },
          (__, t) => frames[Math.min(step * depth + t, frames.length - 1)]!,
        );
        const out = new Uint8Array(width * height * 3 * depth);
        stepPatches(shown, width, height, { patchSize, spatialMergeSize }, out);
        return out;
      });
      const clip = {
        rows: height / patchSize,
        columns: width / patchSize,
        secondsPerStep: depth / framesPerSecond,
        steps,
      };
      const asked = questionTokens(question, tokenizer);
      const text = { tokens: asked, scoredFrom: asked.length, next: true };
      const batch = segmentsBatch([{ clip, texts: [text] }], config, { tokens, prefill: true });
      const prompt = {
        batch,
        lengths: batch.ends.map(({ length }) => length),
        nextPositions: batch.ends.map(({ nextPosition }) => nextPosition),
        tokens: asked,
        decode: (drawn: readonly number[]) => tokenizer.decode(drawn),
      };
      return drawAnswer(engine, config, prompt, rules);
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
};
