import type { Tensor } from "onnxruntime-node";
import { elementCount } from "../../../graph/value.ts";
import { tensorOf } from "../../executable.ts";
import type { ModelWeights } from "../../model-weights.ts";

/** Float32 memory that the 16-bit parameters of all blocks take turns in. */
interface Scratch {
  readonly data: Float32Array;
  readonly tensor: Tensor;
  /** The parameter whose numbers are in it now. */
  holds: string;
}

/**
 * Parameters as tensors that a graph can be fed with. One that is kept in float32 is its own memory; one that is kept in
 * 16 bits is widened into memory that it shares with the parameters that have its name in other blocks.
 */
export class WeightTensors {
  readonly #weights: ModelWeights;
  readonly #own = new Map<string, Tensor>();
  readonly #scratch = new Map<string, Scratch>();

  constructor(weights: ModelWeights) {
    this.#weights = weights;
  }

  /**
   * A parameter's numbers, valid until another parameter is asked for under the same graph name.
   *
   * @param graphName what the graph calls it; equal for equal places of blocks that share a graph
   * @param parameter what the model calls it
   */
  get(graphName: string, parameter: string): Tensor {
    const value = this.#weights.inPlace(parameter);
    return value === undefined ? this.#widened(graphName, parameter) : this.#inPlace(parameter, value);
  }

  /** Says that parameters have other numbers now. */
  clear(): void {
    for (const scratch of this.#scratch.values()) scratch.holds = "";
  }

  #inPlace(parameter: string, value: Float32Array): Tensor {
    const known = this.#own.get(parameter);
    if (known !== undefined) return known;
    const made = tensorOf(value, this.#weights.shape(parameter));
    this.#own.set(parameter, made);
    return made;
  }

  #widened(graphName: string, parameter: string): Tensor {
    let scratch = this.#scratch.get(graphName);
    if (scratch === undefined) {
      const shape = this.#weights.shape(parameter);
      const data = new Float32Array(elementCount(shape));
      scratch = { data, tensor: tensorOf(data, shape), holds: "" };
      this.#scratch.set(graphName, scratch);
    }
    if (scratch.holds !== parameter) {
      this.#weights.readInto(parameter, 0, scratch.data);
      scratch.holds = parameter;
    }
    return scratch.tensor;
  }
}
