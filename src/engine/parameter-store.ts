import { assert, WeightsError } from "../core/errors.ts";
import { elementCount } from "../graph/value.ts";
import type { HubTensor, JointParameter } from "../model/joint-parameters.ts";

/** A parameter with its memory. Gradient and moments exist for what is trained. */
export interface StoredParameter extends JointParameter {
  readonly value: Float32Array;
  readonly gradient: Float32Array | undefined;
  readonly firstMoment: Float32Array | undefined;
  readonly secondMoment: Float32Array | undefined;
}

/** A checkpoint tensor and the part of a parameter's memory that holds it. */
export interface TensorView extends HubTensor {
  readonly data: Float32Array;
}

/** All parameters of a model: one Float32Array a parameter, checkpoint tensors are views of it. */
export class ParameterStore {
  readonly #parameters: ReadonlyMap<string, StoredParameter>;
  /** Updates applied so far; part of the optimizer's state. */
  updates = 0;

  /** @param memoryOf where a parameter's numbers are; default: new memory, zeros */
  constructor(
    parameters: readonly JointParameter[],
    isTrained: (parameter: JointParameter) => boolean,
    memoryOf: (parameter: JointParameter, size: number) => Float32Array = (_, size) => new Float32Array(size),
  ) {
    this.#parameters = new Map(
      parameters.map((parameter) => {
        const size = elementCount(parameter.shape);
        const array = (): Float32Array | undefined =>
          isTrained(parameter) ? new Float32Array(size) : undefined;
        const stored = {
          value: memoryOf(parameter, size),
          gradient: array(),
          firstMoment: array(),
          secondMoment: array(),
        };
        return [parameter.name, { ...parameter, ...stored }];
      }),
    );
  }

  /** Every parameter, in order. */
  all(): StoredParameter[] {
    return [...this.#parameters.values()];
  }

  /** Those with a gradient. */
  trained(): StoredParameter[] {
    return this.all().filter((parameter) => parameter.gradient !== undefined);
  }

  get(name: string): StoredParameter {
    const parameter = this.#parameters.get(name);
    assert(parameter !== undefined, `no parameter ${name}`);
    return parameter;
  }

  /** True when there is a parameter of this name. */
  has(name: string): boolean {
    return this.#parameters.has(name);
  }

  /** Views of the checkpoint's tensors on values, gradients or moments. */
  *tensors(what: "value" | "gradient" | "firstMoment" | "secondMoment" = "value"): Generator<TensorView> {
    for (const parameter of this.#parameters.values()) {
      const memory = parameter[what];
      if (memory === undefined) continue;
      let at = 0;
      for (const part of parameter.parts) {
        const size = elementCount(part.shape);
        yield { ...part, data: memory.subarray(at, at + size) };
        at += size;
      }
      assert(at === memory.length, `parts of ${parameter.name} fill it`);
    }
  }

  /** The view of one checkpoint tensor. @throws {WeightsError} when the model has no such tensor */
  tensor(name: string, what: "value" | "gradient" = "value"): TensorView {
    for (const view of this.tensors(what)) if (view.name === name) return view;
    throw new WeightsError("no such tensor in this model", { where: name });
  }

  /** The values as they are now, nothing of them trained: what is trained here is copied, the rest is the same memory. */
  reference(): ParameterStore {
    return new ParameterStore(
      this.all(),
      () => false,
      ({ name }) => {
        const { value, gradient } = this.get(name);
        return gradient === undefined ? value : value.slice();
      },
    );
  }

  /** Bytes of all arrays. */
  byteLength(): number {
    let total = 0;
    for (const p of this.#parameters.values())
      for (const array of [p.value, p.gradient, p.firstMoment, p.secondMoment])
        total += array?.byteLength ?? 0;
    return total;
  }
}
