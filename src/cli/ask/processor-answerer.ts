import { idsBatch } from "../../batch/ids-batch.ts";
import { type OpenEngineOptions, openEngine } from "../../engine/onnx/open.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { resizeAntialias } from "../../frames/resize-antialias.ts";
import { adaptedModel } from "../../model/adapted-model.ts";
import { familyOf, readConfigFile } from "../../model/families.ts";
import { loadProcessor } from "../../model/processor.ts";
import { readAdapter } from "../../weights/adapter.ts";
import { drawAnswer } from "./answer-rules.ts";
import type { Answerer } from "./answerer.ts";
import { encodePrompt, processorLook } from "./processor-prompt.ts";

/**
 * A checkpoint of a family as the hub has it: frames, sizes and prompt are its own processor's.
 *
 * @param adapterFolder a PEFT folder whose adapter is used too
 */
export const processorAnswerer = async (
  folder: string,
  options: OpenEngineOptions,
  adapterFolder?: string,
): Promise<Answerer> => {
  const config = readConfigFile(folder);
  const family = familyOf(config);
  const processor = loadProcessor(folder, family.processor, resizeAntialias);
  const adapter =
    adapterFolder === undefined ? undefined : await readAdapter(adapterFolder, adaptedModel(config));
  const { engine } = await openEngine(folder, "none", options, adapter);
  return {
    kind: family.title,
    look: (info, fps) => processorLook(processor, info, fps),
    resize: (batch, position, { width, height }) =>
      batch.width === width && batch.height === height
        ? pixelsOf(batch, position)
        : resizeAntialias(pixelsOf(batch, position), batch.width, batch.height, width, height),
    answer: async (pictures, question, rules) => {
      const { ids, inputIds, next } = encodePrompt(processor, config, pictures, question);
      const prompt = {
        batch: idsBatch(ids, config, { scoredRows: [ids.columns - 1], targets: [0] }),
        lengths: [ids.columns],
        nextPositions: [next],
        tokens: inputIds,
        decode: (tokens: readonly number[]) => processor.tokenizer.decode(tokens, { skipSpecial: true }),
      };
      return drawAnswer(engine, config, prompt, rules);
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
};
