import { tableName } from "../../../model/language-names.ts";
import type { ModelWeights } from "../../model-weights.ts";
import type { ModelBatch } from "../lowering/model-batch.ts";
import type { Flow } from "./tape.ts";

/** Rows of the word table for these tokens: [tokens, D]. */
export const lookUp = (weights: ModelWeights, tokens: BigInt64Array): Float32Array => {
  const width = weights.shape(tableName)[1]!;
  const rows = new Float32Array(tokens.length * width);
  tokens.forEach((token, i) => {
    weights.readInto(tableName, Number(token) * width, rows.subarray(i * width, (i + 1) * width));
  });
  return rows;
};

/** The words of a batch and behind them its padding, looked up; gradients of words go back into the table. */
export class BatchWords implements Flow {
  readonly shape: readonly number[];
  readonly traced: boolean;
  readonly #weights: ModelWeights;
  readonly #ids: BigInt64Array;
  readonly #rows: Float32Array;

  constructor(weights: ModelWeights, { language, feeds }: ModelBatch) {
    this.#weights = weights;
    this.#ids = feeds["ids"] as BigInt64Array;
    const all = new BigInt64Array(language.words + language.padding);
    all.set(this.#ids);
    if (language.padding > 0) all.set(feeds["ids.padding"] as BigInt64Array, language.words);
    this.#rows = lookUp(weights, all);
    this.shape = [language.words + language.padding, weights.shape(tableName)[1]!];
    this.traced =
      weights.inPlace(tableName) !== undefined && weights.store.get(tableName).gradient !== undefined;
  }

  read(): Float32Array {
    return this.#rows;
  }

  pull(cotangent: Float32Array): void {
    const width = this.shape[1]!;
    const gradient = this.#weights.store.get(tableName).gradient!;
    this.#ids.forEach((token, i) => {
      const at = Number(token) * width;
      for (let d = 0; d < width; d++) gradient[at + d]! += cotangent[i * width + d]!;
    });
  }
}
