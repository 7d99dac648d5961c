import { type OpenOptions, openStoredTensors, type StoredTensors } from "../weights/stored-tensors.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf, readConfigFile } from "./families.ts";
import { headModule, tableName } from "./language-names.ts";
import { expectedTensors } from "./parameters.ts";

/** An open checkpoint whose tensors all have the names and shapes that its configuration asks for. */
export interface Checkpoint extends StoredTensors {
  readonly config: ModelConfig;
  /** What a person should know about it. */
  readonly warnings: readonly string[];
}

export interface OpenCheckpointOptions extends OpenOptions {
  /** Give a model that ties them a word table and a head of its own, equal unless both are stored. */
  readonly untied?: boolean;
}

const headName = `${headModule}.weight`;

/** Which of word table and head may be read for the other. */
const standIns = ({ text }: ModelConfig, { untied }: OpenCheckpointOptions): Map<string, string> => {
  if (text.tieWordEmbeddings) return new Map([[tableName, headName]]);
  return untied === true
    ? new Map([
        [tableName, headName],
        [headName, tableName],
      ])
    : new Map();
};

const openWeights = (
  folder: string,
  config: ModelConfig,
  options: OpenCheckpointOptions,
): Promise<StoredTensors> =>
  openStoredTensors(
    folder,
    {
      parameters: expectedTensors(config),
      names: familyOf(config).names,
      // Some tools store the head of a tied model too, some only the head.
      tolerated: config.text.tieWordEmbeddings ? [headName] : [],
      standIns: standIns(config, options),
    },
    options,
  );

const endless =
  "neither generation_config.json nor config.json names a token that ends an answer: every answer has as many tokens as are allowed";

/** Whether answers end, as a warning when they do not, or at fewer tokens than the files name. */
const endWarnings = ({ tokens, text }: ModelConfig): string[] => {
  const { endOfText } = tokens;
  if (endOfText.length === 0) return [endless];
  const outside = endOfText.filter((id) => id >= text.vocabSize);
  if (outside.length === 0) return [];
  const all = outside.length === endOfText.length;
  return [
    `eos_token_id ${outside.join(", ")} is no token of the ${text.vocabSize} that the model has` +
      (all ? ": every answer has as many tokens as are allowed" : ""),
  ];
};

/**
 * Opens a Hugging Face folder: configuration and weights. A head that is stored and differs from the word table is
 * kept, whatever the configuration says about ties, as transformers does; that is one of the warnings.
 *
 * @throws {ConfigError} for a configuration of no known family or one that is not complete
 * @throws {WeightsError} naming the missing, mis-shaped and unexpected tensors
 * @throws {DataFormatError} for a damaged file
 */
export const openCheckpoint = async (
  folder: string,
  options: OpenCheckpointOptions = {},
): Promise<Checkpoint> => {
  const config = await readConfigFile(folder);
  const warnings = endWarnings(config);
  const weights = await openWeights(folder, config, options);
  const untied = { ...config, text: { ...config.text, tieWordEmbeddings: false } };
  const isOwnHead = config.text.tieWordEmbeddings && (await weights.areDifferent(tableName, headName));
  const isParted = config.text.tieWordEmbeddings && options.untied === true;
  if (!isOwnHead && !isParted) return { ...weights, config, warnings };
  await weights.close();
  const apart = { ...(await openWeights(folder, untied, options)), config: untied };
  if (!isOwnHead) return { ...apart, warnings };
  const note =
    "config.json ties the head to the word table, but a different lm_head.weight is stored: both are kept (tie_word_embeddings: false says so)";
  return { ...apart, warnings: [...warnings, note] };
};
