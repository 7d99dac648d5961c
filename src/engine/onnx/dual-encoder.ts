import type { Tensor } from "onnxruntime-node";
import { ConfigError } from "../../core/errors.ts";
import { input } from "../../graph/ops/inputs.ts";
import type { Value } from "../../graph/value.ts";
import type { DualEncoderConfig } from "../../model/dual-encoder-config.ts";
import { frameScores, patchCosines } from "../../model/dual-encoder-graph.ts";
import { patchFloats, surroundedPatches, wordBags } from "../../model/dual-encoder-patches.ts";
import type { FrameTextEncoder } from "../dual-encoder.ts";
import type { StoredDualEncoder } from "../dual-encoder-store.ts";
import { Executable, tensorOf } from "../executable.ts";
import type { ParameterStore } from "../parameter-store.ts";

/** Inputs of the graph for the parameters, and the tensors to feed. */
export const dualEncoderWeights = (
  store: ParameterStore,
): { get: (name: string) => Value; feeds: Record<string, Tensor> } => {
  const values = new Map(store.all().map(({ name, shape }) => [name, input(name, shape)]));
  const feeds = Object.fromEntries(
    store.all().map(({ name, shape, value }) => [name, tensorOf(value, shape)]),
  );
  return { get: (name) => values.get(name)!, feeds };
};

/** A dual encoder that scores frames against keywords; owns its sessions. */
export class DualEncoder implements FrameTextEncoder {
  readonly config: DualEncoderConfig;
  readonly version: string;
  readonly #store: ParameterStore;
  readonly #threads: number;
  readonly #plans = new Map<number, Executable>();

  constructor({ config, store, version }: StoredDualEncoder, threads: number) {
    this.config = config;
    this.#store = store;
    this.version = version;
    this.#threads = threads;
  }

  async score(frames: readonly Uint8Array[], keywords: readonly string[]): Promise<Float64Array> {
    const { config } = this;
    const words = keywords.flatMap((keyword) => keyword.toLowerCase().split(/\s+/));
    const bags = wordBags([words], config, (word) => {
      throw new ConfigError("keyword unknown to this frame-text encoder", {
        got: word,
        expected: `one of ${config.words.length} words`,
        hint: "use --relevance motion, or train an encoder on your captions",
      });
    });
    const known = this.#plans.get(frames.length);
    const { get, feeds } = dualEncoderWeights(this.#store);
    const plan =
      known ??
      (await Executable.compile(
        { scores: frameScores(patchCosines(frames.length, 1, config, get), frames.length) },
        { threads: this.#threads },
      ));
    this.#plans.set(frames.length, plan);
    const pixels = patchFloats(surroundedPatches(frames, config), config);
    await plan.run({
      ...feeds,
      pixels: tensorOf(pixels, plan.inputs.get("pixels")!.shape),
      bags: tensorOf(bags, plan.inputs.get("bags")!.shape),
    });
    return Float64Array.from(plan.output("scores") as Float32Array);
  }

  /** Frees the sessions. */
  async close(): Promise<void> {
    for (const plan of this.#plans.values()) await plan.release();
    this.#plans.clear();
  }
}
