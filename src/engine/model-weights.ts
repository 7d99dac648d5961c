import { assert, WeightsError } from "../core/errors.ts";
import { elementCount } from "../graph/value.ts";
import type { JointParameter } from "../model/joint-parameters.ts";
import { narrowToBfloat16, narrowToFloat16, widenBfloat16, widenFloat16 } from "../weights/float-formats.ts";
import type { StoredBits } from "../weights/stored-tensors.ts";
import type { ParameterStore } from "./parameter-store.ts";

/** A frozen parameter in the 16 bits a number that its file has. */
export interface HalfParameter extends JointParameter {
  readonly stored: StoredBits;
}

/** The parameters of a model: in float32, or, as far as they are frozen, in the 16 bits a number of their file. */
export class ModelWeights {
  /** Everything that is trained, and what else is kept in float32. */
  readonly store: ParameterStore;
  readonly #halves: ReadonlyMap<string, HalfParameter>;

  constructor(store: ParameterStore, halves: readonly HalfParameter[] = []) {
    this.store = store;
    this.#halves = new Map(halves.map((half) => [half.name, half]));
  }

  /** True when the model has a parameter of this name. */
  has(name: string): boolean {
    return this.#halves.has(name) || this.store.has(name);
  }

  /** Shape of a parameter. */
  shape(name: string): readonly number[] {
    return this.#halves.get(name)?.shape ?? this.store.get(name).shape;
  }

  /** The parameter's own float32 memory; undefined when it is kept in 16 bits. */
  inPlace(name: string): Float32Array | undefined {
    return this.#halves.has(name) ? undefined : this.store.get(name).value;
  }

  /** Fills `target` with the float32 numbers of a parameter from element `from` on. */
  readInto(name: string, from: number, target: Float32Array): void {
    const own = this.inPlace(name);
    if (own !== undefined) {
      target.set(own.subarray(from, from + target.length));
      return;
    }
    const { type, bits } = this.#halves.get(name)!.stored;
    assert(from + target.length <= bits.length, `elements of ${name}`);
    const widened = new Uint32Array(target.buffer, target.byteOffset, target.length);
    const source = bits.subarray(from, from + target.length);
    if (type === "BF16") widenBfloat16(source, widened);
    else widenFloat16(source, widened);
  }

  /** A parameter's float32 numbers: its own memory, or a new array when it is kept in 16 bits. */
  numbers(name: string): Float32Array {
    const own = this.inPlace(name);
    if (own !== undefined) return own;
    const target = new Float32Array(elementCount(this.shape(name)));
    this.readInto(name, 0, target);
    return target;
  }

  /**
   * Replaces a parameter's numbers.
   * @throws {WeightsError} when it is kept in 16 bits, which do not hold these numbers exactly
   */
  write(name: string, numbers: Float32Array): void {
    const half = this.#halves.get(name);
    if (half === undefined) {
      this.store.get(name).value.set(numbers);
      return;
    }
    const { type, bits } = half.stored;
    const narrowed = new Uint16Array(bits.length);
    const given = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
    (type === "BF16" ? narrowToBfloat16 : narrowToFloat16)(given, narrowed);
    const back = new Uint32Array(bits.length);
    (type === "BF16" ? widenBfloat16 : widenFloat16)(narrowed, back);
    if (back.some((word, i) => word !== given[i]))
      throw new WeightsError("numbers of more than 16 bits for a parameter that is kept in 16", {
        where: name,
        hint: "open the engine with weights in float32",
      });
    bits.set(narrowed);
  }

  /** The frozen parameters that are kept in 16 bits. */
  halves(): readonly HalfParameter[] {
    return [...this.#halves.values()];
  }

  /** The weights as they are now, nothing of them trained: what is trained here is copied, the rest is the same memory. */
  reference(): ModelWeights {
    return new ModelWeights(this.store.reference(), this.halves());
  }

  /** Bytes of all arrays. */
  byteLength(): number {
    let total = this.store.byteLength();
    for (const { stored } of this.#halves.values()) total += stored.bits.byteLength;
    return total;
  }
}
