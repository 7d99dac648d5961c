import { type OpenOptions, openStoredTensors, type StoredTensors } from "../weights/stored-tensors.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf, readConfigFile } from "./families.ts";
import { headModule } from "./language-names.ts";
import { expectedTensors } from "./parameters.ts";

/** An open checkpoint whose tensors all have the names and shapes that its configuration asks for. */
export interface Checkpoint extends StoredTensors {
  readonly config: ModelConfig;
}

/**
 * Opens a Hugging Face folder: configuration and weights.
 *
 * @throws {ConfigError} for a configuration of no known family or one that is not complete
 * @throws {WeightsError} naming the missing, mis-shaped and unexpected tensors
 * @throws {DataFormatError} for a damaged file
 */
export const openCheckpoint = async (folder: string, options: OpenOptions = {}): Promise<Checkpoint> => {
  const config = readConfigFile(folder);
  const wanted = {
    parameters: expectedTensors(config),
    names: familyOf(config).names,
    // Some tools store the head of a tied model too; the model reads its embedding.
    tolerated: config.text.tieWordEmbeddings ? [`${headModule}.weight`] : [],
  };
  return { ...(await openStoredTensors(folder, wanted, options)), config };
};
