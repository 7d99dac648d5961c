import { input } from "../../graph/ops/inputs.ts";
import { linear } from "../../graph/ops/matmul.ts";
import { linearInt8, quantizedBlock } from "../../graph/ops/quantized.ts";
import type { Weights } from "../../model/weights.ts";
import type { FeedArray } from "../contract.ts";
import { quantizeRows } from "../quantize.ts";

/** Form of the matrices in decoding: as they are, or rounded to 8 bits in blocks of 32, each with its scale. */
export type DecodeForm = "float32" | "int8";

/** Where matrices come from; a `ParameterStore` is one. */
export interface MatrixSource {
  get(name: string): { readonly shape: readonly number[]; readonly value: Float32Array };
}

const wholeName = (name: string): string => `stored.${name}`;
const bytesName = (name: string): string => `quantized.${name}`;
const scalesName = (name: string): string => `scales.${name}`;

/**
 * Matrices as constants of a decoding graph. The runtime packs constants when a session is made; as inputs they would
 * be packed again for every token. Adapters stay inputs: they are small and they are what is updated.
 */
export class PackedWeights {
  readonly #store: MatrixSource;
  readonly #form: DecodeForm;
  readonly #quantized = new Map<string, ReturnType<typeof quantizeRows>>();

  constructor(store: MatrixSource, form: DecodeForm) {
    this.#store = store;
    this.#form = form;
  }

  /** The same weights with their products in packed form; names of the constants are added to `stored`. */
  weights(base: Weights, stored: string[]): Weights {
    return {
      ...base,
      product: (x, name) => {
        const [rows, width] = this.#store.get(name).shape as [number, number];
        if (this.#form === "float32") {
          stored.push(wholeName(name));
          return linear(x, input(wholeName(name), [rows, width]));
        }
        stored.push(bytesName(name), scalesName(name));
        const blocks = Math.ceil(width / quantizedBlock);
        const bytes = input(bytesName(name), [rows, blocks, quantizedBlock], "uint8");
        return linearInt8(x, bytes, input(scalesName(name), [rows * blocks]));
      },
    };
  }

  /** Numbers of constants as they are now. */
  numbers(stored: readonly string[]): ReadonlyMap<string, FeedArray> {
    return new Map(
      stored.map((key): [string, FeedArray] => {
        const [kind, name] = [key.slice(0, key.indexOf(".")), key.slice(key.indexOf(".") + 1)];
        if (kind === "stored") return [key, this.#store.get(name).value];
        const { bytes, scales } = this.#quantize(name);
        return [key, kind === "scales" ? scales : bytes];
      }),
    );
  }

  /** Forgets what was computed from the weights. */
  clear(): void {
    this.#quantized.clear();
  }

  #quantize(name: string): ReturnType<typeof quantizeRows> {
    const known = this.#quantized.get(name);
    if (known !== undefined) return known;
    const { value, shape } = this.#store.get(name);
    const made = quantizeRows(value, shape[0]!, shape[1]!, quantizedBlock);
    this.#quantized.set(name, made);
    return made;
  }
}
