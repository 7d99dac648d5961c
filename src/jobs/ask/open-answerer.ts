import { ConfigError } from "../../core/errors.ts";
import type { EngineChoice } from "../../engine/engines.ts";
import { readConfigFile } from "../../model/families.ts";
import { segmentTokensOf } from "../../model/segment-tokens.ts";
import { loadTokenizer } from "../../text/tokenizer.ts";
import { checkIsAdapter } from "../../weights/folder-kind.ts";
import type { Answerer } from "./answerer.ts";
import { ownAnswerer } from "./own-answerer.ts";
import { processorAnswerer } from "./processor-answerer.ts";

/**
 * A checkpoint's folder as somebody who answers, with the adapter of another folder where one is named.
 *
 * @throws {ConfigError} for a folder that is no checkpoint, and for an adapter that does not belong to it
 */
export const openAnswerer = async (
  model: string,
  adapter: string | undefined,
  engine: EngineChoice,
): Promise<Answerer> => {
  // Says what a folder is that is no checkpoint, before anything else is missed in it.
  await readConfigFile(model);
  if (adapter !== undefined) checkIsAdapter(adapter);
  const tokenizer = loadTokenizer(model);
  const tokens = segmentTokensOf(tokenizer);
  if (tokens === undefined) return processorAnswerer(model, tokenizer, engine, adapter);
  if (adapter !== undefined)
    throw new ConfigError("adapter for a model of our own", {
      where: "--adapter",
      expected: "a checkpoint of the Qwen2.5-VL family",
    });
  return ownAnswerer(model, tokenizer, tokens, engine);
};
