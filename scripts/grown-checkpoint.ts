import { seededRandom } from "../src/core/random.ts";
import { emptyStore } from "../src/engine/model-store.ts";
import { openCheckpoint } from "../src/model/checkpoint.ts";
import type { ModelConfig } from "../src/model/config.ts";
import { initialize } from "../src/model/initialize.ts";
import { saveCheckpoint } from "../src/model/save-checkpoint.ts";
import { loadTokenizer, type Tokenizer } from "../src/text/tokenizer.ts";

/** Copies the rows of words that both vocabularies have; the others stay as they are. */
const copyWords = (
  old: { readonly rows: Float32Array; readonly tokenizer: Tokenizer },
  own: { readonly rows: Float32Array; readonly tokenizer: Tokenizer },
  width: number,
): void => {
  for (let id = 0; id < old.tokenizer.size; id++) {
    const [same, ...more] = own.tokenizer.encodeWithSpecial(old.tokenizer.decode([id]));
    if (same === undefined || more.length > 0) continue;
    own.rows.set(old.rows.subarray(id * width, (id + 1) * width), same * width);
  }
};

/**
 * Writes a checkpoint again with a larger vocabulary: every word keeps its row of the table, whatever its id is now; rows
 * of new words are new weights. Everything else is what it was.
 *
 * @param config of the larger model; it differs in the vocabulary only
 * @param tokenizerFrom folder whose tokenizer files go with it
 * @throws {WeightsError} for a checkpoint of other shapes
 */
export const grownCheckpoint = async (
  from: string,
  folder: string,
  config: ModelConfig,
  tokenizerFrom: string,
  seed: number,
): Promise<void> => {
  const before = await openCheckpoint(from);
  try {
    const store = emptyStore(config, "none");
    initialize(store.all(), seededRandom(seed, "new words"));
    const tokenizers = { old: loadTokenizer(from), own: loadTokenizer(tokenizerFrom) };
    const known = new Set(before.names());
    for (const { name, data, shape } of store.tensors()) {
      if (!known.has(name)) continue;
      const stored = before.shape(name);
      const isWords = stored[0] === before.config.text.vocabSize && shape[0] === config.text.vocabSize;
      if (!isWords) {
        await before.readInto(name, data);
        continue;
      }
      const rows = new Float32Array(stored.reduce((product, size) => product * size, 1));
      await before.readInto(name, rows);
      const [, width = 1] = stored;
      copyWords({ rows, tokenizer: tokenizers.old }, { rows: data, tokenizer: tokenizers.own }, width);
    }
    saveCheckpoint(folder, config, store.tensors(), { dtype: "float32", tokenizerFrom });
  } finally {
    await before.close();
  }
};
