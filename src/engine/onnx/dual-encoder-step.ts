import type { Tensor } from "onnxruntime-node";
import { gradient } from "../../graph/differentiate.ts";
import type { Value } from "../../graph/value.ts";
import type { DualEncoderConfig } from "../../model/dual-encoder-config.ts";
import { clipTextLoss, patchCosines } from "../../model/dual-encoder-graph.ts";
import type { DualEncoderStepShape } from "../dual-encoder.ts";
import { Executable, tensorOf } from "../executable.ts";
import type { ParameterStore } from "../parameter-store.ts";
import { dualEncoderWeights } from "./dual-encoder.ts";

/** One training step of the frame-text encoder, compiled: the loss, and gradients written into the store. */
export class DualEncoderStep implements AsyncDisposable {
  readonly #plan: Executable;
  readonly #weights: Readonly<Record<string, Tensor>>;

  private constructor(plan: Executable, weights: Readonly<Record<string, Tensor>>) {
    this.#plan = plan;
    this.#weights = weights;
  }

  /** Builds loss and gradient for batches of one size. */
  static async compile(
    config: DualEncoderConfig,
    store: ParameterStore,
    { clips, framesPerClip, temperature }: DualEncoderStepShape,
    threads: number,
  ): Promise<DualEncoderStep> {
    const { get, feeds } = dualEncoderWeights(store);
    const loss = clipTextLoss(patchCosines(clips * framesPerClip, clips, config, get), clips, temperature);
    const trained = store.trained();
    const outputs: Record<string, Value> = { loss };
    gradient(
      loss,
      trained.map(({ name }) => get(name)),
    ).forEach((value, i) => {
      if (value !== undefined) outputs[`gradient.${trained[i]!.name}`] = value;
    });
    const buffers = Object.fromEntries(
      trained.map(({ name, gradient: memory }) => [`gradient.${name}`, memory!]),
    );
    return new DualEncoderStep(await Executable.compile(outputs, { threads }, buffers), feeds);
  }

  /** Runs the step. @returns the loss in nats */
  async run(numbers: Readonly<Record<string, Float32Array>>): Promise<number> {
    const given: Record<string, Tensor> = { ...this.#weights };
    for (const [name, data] of Object.entries(numbers))
      given[name] = tensorOf(data, this.#plan.inputs.get(name)!.shape);
    await this.#plan.run(given);
    return Number(this.#plan.output("loss")[0]);
  }

  /** Frees the session. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#plan.release();
  }
}
