import type { ClipSegments, SegmentTokens } from "../../batch/segments.ts";
import { segmentsBatch } from "../../batch/segments-batch.ts";
import { ConfigError } from "../../core/errors.ts";
import { type EngineChoice, openEngine } from "../../engine/engines.ts";
import { clipPatches } from "../../frames/clip-patches.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { resizeBicubic } from "../../frames/resize.ts";
import { batchRules } from "../../model/batch-rules.ts";
import { readPictureSettings } from "../../model/picture-settings.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { indicesForFps } from "../../video/timeline.ts";
import { drawAnswer } from "./answer-rules.ts";
import type { Answerer, LookRequest, Pictures } from "./answerer.ts";

/** The token that stands for words which a vocabulary of whole words lacks; a large vocabulary has none. */
const unknownToken = (tokenizer: Tokenizer): number | undefined => tokenizer.added.get("<|unknown|>");

/**
 * Tokens of what a person wrote. A vocabulary of whole words wants them apart from punctuation, and a word that it
 * knows in small letters only is read as that one; a large vocabulary gets the text as it is.
 *
 * @throws {ConfigError} naming words that a small vocabulary lacks
 */
const textTokens = (text: string, tokenizer: Tokenizer): number[] => {
  const unknown = unknownToken(tokenizer);
  if (unknown === undefined) return tokenizer.encode(text);
  const knows = (word: string): boolean => !tokenizer.encode(word).includes(unknown);
  const words = text
    .replace(/([?.,!])/g, " $1 ")
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => (knows(word) ? word : word.toLowerCase()));
  const strange = words.filter((word) => !knows(word));
  if (strange.length > 0)
    throw new ConfigError("words that this model has never seen", {
      got: strange.join(", "),
      hint: "a model of the scripted world knows the words of its own questions only",
    });
  return tokenizer.encode(words.join(" "));
};

/** Refuses what a model of one size and rate cannot do. @param own the frames that it looks at by itself */
const checkRequest = ({ fps: _, chosen, ...rest }: LookRequest, own: readonly number[]): void => {
  if (chosen !== undefined && chosen.join() !== own.join())
    throw new ConfigError("this model cannot be shown frames that were chosen with a question", {
      expected: `frames at one rate, which is all that it knows: ${own.length} of this clip`,
      got: `${chosen.length} frames at times of their own`,
      hint: "a data set without --sparsify",
    });
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  if (given.length > 0)
    throw new ConfigError("this model looks at frames of one size, as many as its clip has at a rate", {
      expected: "no more than --fps",
      got: given
        .map(([name]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
        .join(", "),
    });
};

/** A checkpoint of ours: segments behind a clip, frames of one size. */
export const ownAnswerer = async (
  folder: string,
  tokenizer: Tokenizer,
  tokens: SegmentTokens,
  choice: EngineChoice,
  adapterFolder?: string,
): Promise<Answerer> => {
  const settings = readPictureSettings(folder);
  const { config, engine } = await openEngine(choice, {
    folder,
    trained: "none",
    ...(adapterFolder !== undefined && { adapterFolder }),
  });
  const batching = batchRules(config);
  const { width, height } = settings;
  const patchesOf = ({ frames, framesPerSecond }: Pictures): ClipSegments["clip"] =>
    clipPatches(frames, width, height, framesPerSecond, config.vision);
  return {
    kind: "trained with segments (ours)",
    bareQuestions: true,
    look: ({ timeline }, request) => {
      const framesPerSecond = request.fps ?? settings.framesPerSecond;
      const indices = indicesForFps(timeline, framesPerSecond);
      checkRequest(request, indices);
      return { indices, width, height, framesPerSecond };
    },
    caution: (info) =>
      unknownToken(tokenizer) === undefined || (info.width === width && info.height === height)
        ? undefined
        : `this model knows ${tokenizer.size} words and was trained on rendered clips of ${width}x${height} pixels; what it says about a clip of ${info.width}x${info.height} means nothing`,
    resize: (batch, position) =>
      batch.width === width && batch.height === height
        ? pixelsOf(batch, position)
        : resizeBicubic(pixelsOf(batch, position), batch.width, batch.height, width, height),
    answer: async (pictures, question, rules, signal) => {
      signal?.throwIfAborted();
      const asked = textTokens(question, tokenizer);
      const text = { tokens: asked, scoredFrom: asked.length, next: true };
      // Without frames the question is asked alone; a batch still wants a clip, which nobody sees.
      const blind = pictures.frames.length === 0;
      const shown = blind ? { ...pictures, frames: [new Uint8Array(width * height * 3)] } : pictures;
      const row = { clip: patchesOf(shown), texts: [text] };
      const { batch, ends } = segmentsBatch([row], batching, { tokens, prefill: true, blind });
      const prompt = {
        batch,
        nextPositions: ends.map(({ nextPosition }) => nextPosition),
        stopTokens: config.tokens.endOfText,
        decode: (drawn: readonly number[]) => tokenizer.decode(drawn),
      };
      return drawAnswer(engine, batching, prompt, rules, signal);
    },
    optionLogprobs: async (pictures, question, answers, signal) => {
      signal?.throwIfAborted();
      const asked = textTokens(question, tokenizer);
      const [end] = config.tokens.endOfText;
      const texts = answers.map((answer) => ({
        tokens: [...asked, ...textTokens(answer, tokenizer), ...(end === undefined ? [] : [end])],
        scoredFrom: asked.length,
      }));
      const row = { clip: patchesOf(pictures), texts };
      const { batch, scored } = segmentsBatch([row], batching, { tokens });
      await using pass = await engine.forward([batch], { signal });
      const { tokenLogprobs } = pass.outputs[0]!;
      const sums = new Array<number>(answers.length).fill(0);
      scored.forEach(({ text }, row) => {
        sums[text]! += tokenLogprobs[row]!;
      });
      return sums;
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
};
