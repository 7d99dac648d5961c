import {
  type CheckpointContent,
  type CheckpointOptions,
  writeCheckpoint,
} from "../weights/write-checkpoint.ts";
import type { NamedTensor, StorageType } from "../weights/write-safetensors.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf } from "./families.ts";
import { expectedTensors } from "./parameters.ts";

/** What a checkpoint of a model says besides its numbers. */
export const checkpointContent = (config: ModelConfig, storage: StorageType): CheckpointContent => {
  const { begin, endOfText, pad } = config.tokens;
  return {
    config: familyOf(config).writeConfig({ ...config, storage }),
    generation: {
      ...(begin === undefined ? {} : { bos_token_id: begin }),
      ...(endOfText.length === 0 ? {} : { eos_token_id: [...endOfText] }),
      ...(pad === undefined ? {} : { pad_token_id: pad }),
    },
    parameters: expectedTensors(config),
    storage,
  };
};

/**
 * Writes a checkpoint that transformers loads: the hub's layout, names and configuration. The folder appears whole or
 * not at all; one that was there is replaced.
 *
 * @throws {WeightsError} when the tensors are not exactly the parameters of the configuration
 */
export const saveCheckpoint = (
  folder: string,
  config: ModelConfig,
  tensors: Iterable<NamedTensor>,
  options: CheckpointOptions = {},
): void => {
  const content = checkpointContent(config, options.dtype ?? config.storage);
  writeCheckpoint(folder, content, [...tensors], options);
};
