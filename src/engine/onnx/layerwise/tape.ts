import { elementCount } from "../../../graph/value.ts";
import type { ModelWeights } from "../../model-weights.ts";
import { addTo, type Stage, type StageRunner } from "./stage.ts";

/** A float32 value between stages. */
export interface Flow {
  readonly shape: readonly number[];
  /** True when something that is trained stands before it, so that backward has to give it a cotangent. */
  readonly traced: boolean;
  /** Its numbers, row-major. Those of {@link ParameterRows} are valid until other rows are read into the same scratch. */
  read(): Float32Array;
  /** Adds to its cotangent, which has its size. */
  pull(cotangent: Float32Array): void;
}

/** What a stage gave. */
class StageOutput implements Flow {
  readonly shape: readonly number[];
  readonly traced: boolean;
  readonly #data: Float32Array;
  /** Undefined: zero. */
  cotangent: Float32Array | undefined;

  constructor(data: Float32Array, shape: readonly number[], traced: boolean) {
    this.#data = data;
    this.shape = shape;
    this.traced = traced;
  }

  read(): Float32Array {
    return this.#data;
  }

  pull(cotangent: Float32Array): void {
    if (this.cotangent === undefined) this.cotangent = cotangent.slice();
    else addTo(this.cotangent, cotangent);
  }
}

/** Consecutive rows of a matrix of the model; its cotangent is added to the parameter's gradient. */
export class ParameterRows implements Flow {
  readonly shape: readonly number[];
  readonly traced: boolean;
  readonly #weights: ModelWeights;
  readonly #name: string;
  readonly #from: number;
  readonly #scratch: Float32Array;

  /** @param scratch room for the rows, used when the parameter is not kept in float32 */
  constructor(weights: ModelWeights, name: string, from: number, to: number, scratch: Float32Array) {
    const width = weights.shape(name)[1]!;
    this.shape = [to - from, width];
    this.#weights = weights;
    this.#name = name;
    this.#from = from * width;
    this.#scratch = scratch;
    this.traced = weights.inPlace(name) !== undefined && weights.store.get(name).gradient !== undefined;
  }

  read(): Float32Array {
    const size = elementCount(this.shape);
    const own = this.#weights.inPlace(this.#name);
    if (own !== undefined) return own.subarray(this.#from, this.#from + size);
    const target = this.#scratch.subarray(0, size);
    this.#weights.readInto(this.#name, this.#from, target);
    return target;
  }

  pull(cotangent: Float32Array): void {
    const { gradient } = this.#weights.store.get(this.#name);
    addTo(gradient!.subarray(this.#from, this.#from + cotangent.length), cotangent);
  }
}

/**
 * Runs stages one after the other and remembers what is needed to run them backward: of each stage the rows that went
 * into it. Used for one pass, then thrown away.
 */
export class Tape {
  readonly #runner: StageRunner;
  readonly #recording: boolean;
  readonly #steps: (() => Promise<void>)[] = [];

  /** @param recording whether {@link backward} will be called */
  constructor(runner: StageRunner, recording: boolean) {
    this.#runner = runner;
    this.#recording = recording;
  }

  /** A value that is given; nothing flows back through it. */
  given(data: Float32Array, shape: readonly number[]): Flow {
    return new StageOutput(data, shape, false);
  }

  /** Runs a stage; its outputs, in order. */
  async run(stage: Stage, inputs: readonly Flow[]): Promise<Flow[]> {
    const results = await this.#runner.forward(
      stage,
      inputs.map((flow) => flow.read()),
    );
    const isTrained = this.#runner.trainedUnder(stage.prefix.model).length > 0;
    const traced = this.#recording && (isTrained || inputs.some((flow) => flow.traced));
    const outputs = results.map(({ data, shape }) => new StageOutput(data, shape, traced));
    if (traced) this.#steps.push(() => this.#stepBack(stage, inputs, outputs));
    return outputs;
  }

  /**
   * A value between stages that is computed and differentiated by hand.
   *
   * @param isTraced whether something that is trained stands before it
   * @param back gets the value's cotangent and pulls those of what it was computed from
   */
  custom(
    data: Float32Array,
    shape: readonly number[],
    isTraced: boolean,
    back: (cotangent: Float32Array) => void,
  ): Flow {
    const traced = this.#recording && isTraced;
    const output = new StageOutput(data, shape, traced);
    if (traced)
      this.#steps.push(async () => {
        if (output.cotangent !== undefined) back(output.cotangent);
      });
    return output;
  }

  /** Carries the cotangents that values were given (`pull`) back to everything that is trained; can be called once. */
  async backward(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step();
  }

  async #stepBack(stage: Stage, inputs: readonly Flow[], outputs: readonly StageOutput[]): Promise<void> {
    const cotangents = outputs.map(({ cotangent }) => cotangent);
    if (cotangents.every((cotangent) => cotangent === undefined)) return;
    const pulled = await this.#runner.backward(
      stage,
      inputs.map((flow) => flow.read()),
      cotangents,
      inputs.map((flow) => flow.traced),
    );
    inputs.forEach((flow, i) => {
      const cotangent = pulled[i];
      if (cotangent !== undefined) flow.pull(cotangent);
    });
  }
}
