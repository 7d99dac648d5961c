import { idsBatch } from "../../batch/ids-batch.ts";
import { type EngineChoice, openEngine } from "../../engine/engines.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { resizeAntialias } from "../../frames/resize-antialias.ts";
import { batchRules } from "../../model/batch-rules.ts";
import { familyOf, readConfigFile } from "../../model/families.ts";
import { loadProcessor } from "../../model/processor.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { drawAnswer } from "./answer-rules.ts";
import type { Answerer } from "./answerer.ts";
import { encodePrompt, processorLook } from "./processor-prompt.ts";

/** How many leading ids two texts share: the answer begins behind them. */
const commonLength = (one: readonly number[], other: readonly number[]): number => {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
};

/**
 * A checkpoint of a family as the hub has it: frames, sizes and prompt are its own processor's.
 *
 * @param adapterFolder a PEFT folder whose adapter is used too
 */
export const processorAnswerer = async (
  folder: string,
  tokenizer: Tokenizer,
  choice: EngineChoice,
  adapterFolder?: string,
): Promise<Answerer> => {
  const config = await readConfigFile(folder);
  const family = familyOf(config);
  const processor = loadProcessor(folder, family.processor, resizeAntialias, tokenizer);
  const request = { folder, trained: "none", ...(adapterFolder !== undefined && { adapterFolder }) } as const;
  const { engine, warnings } = await openEngine(choice, request);
  const batching = batchRules(config);
  return {
    kind: family.title,
    bareQuestions: false,
    look: (info, request) => processorLook(processor, info, request),
    caution: () => (warnings.length === 0 ? undefined : warnings.join("; ")),
    resize: (batch, position, { width, height, sizes = [{ width, height }] }) =>
      processor.bring(pixelsOf(batch, position), batch, sizes),
    answer: async (pictures, question, rules, signal) => {
      signal?.throwIfAborted();
      const { ids, next } = encodePrompt(processor, config, pictures, question);
      const prompt = {
        batch: idsBatch(ids, batching, { scoredRows: [ids.columns - 1], targets: [0] }),
        nextPositions: [next],
        stopTokens: config.tokens.endOfText,
        decode: (tokens: readonly number[]) => processor.tokenizer.decode(tokens, { skipSpecial: true }),
      };
      return drawAnswer(engine, batching, prompt, rules, signal);
    },
    optionLogprobs: async (pictures, question, answers, signal) => {
      const { inputIds: asked } = encodePrompt(processor, config, pictures, question);
      const ends = new Set(config.tokens.endOfText);
      const logprobs: number[] = [];
      for (const answer of answers) {
        signal?.throwIfAborted();
        const { ids, inputIds } = encodePrompt(processor, config, pictures, question, answer);
        const first = commonLength(asked, inputIds);
        const end = inputIds.findIndex((id, at) => at >= first && ends.has(id));
        const last = end < 0 ? inputIds.length - 1 : end;
        const places = Array.from({ length: last - first + 1 }, (_, i) => first + i);
        const batch = idsBatch(ids, batching, {
          scoredRows: places.map((at) => at - 1),
          targets: places.map((at) => inputIds[at]!),
        });
        await using pass = await engine.forward([batch], { signal });
        const { tokenLogprobs } = pass.outputs[0]!;
        logprobs.push(tokenLogprobs.reduce((sum, value) => sum + value, 0));
      }
      return logprobs;
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
};
