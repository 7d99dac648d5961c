import { join } from "node:path";
import type { Tensor } from "onnxruntime-node";
import { ConfigError, DataFormatError, WeightsError } from "../../core/errors.ts";
import { readJsonFile, sha256OfFile, writeFileAtomic } from "../../core/files.ts";
import { input } from "../../graph/ops/inputs.ts";
import { elementCount, type Value } from "../../graph/value.ts";
import { type DualEncoderConfig, dualEncoderConfigSchema } from "../../model/dual-encoder-config.ts";
import { dualEncoderParameters, frameScores, patchCosines } from "../../model/dual-encoder-graph.ts";
import { patchFloats, surroundedPatches, wordBags } from "../../model/dual-encoder-patches.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { ParameterStore } from "../parameter-store.ts";
import { Executable, tensorOf } from "./executable.ts";

const weightsFile = "model.safetensors";

/** Memory for the encoder's parameters; all of them are trained when `trained`. */
export const dualEncoderStore = (config: DualEncoderConfig, trained: boolean): ParameterStore =>
  new ParameterStore(
    dualEncoderParameters(config).map(({ name, shape }) => ({
      name,
      shape,
      parts: [{ name, shape }],
      part: "vision",
    })),
    () => trained,
  );

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

/** Writes configuration and weights. */
export const saveDualEncoder = (folder: string, config: DualEncoderConfig, store: ParameterStore): void => {
  writeSafetensors(join(folder, weightsFile), [...store.tensors()], "F32");
  writeFileAtomic(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
};

/** A dual encoder that scores frames against keywords; owns its sessions. */
export class DualEncoder {
  readonly config: DualEncoderConfig;
  /** SHA-256 of the weights. */
  readonly version: string;
  readonly #store: ParameterStore;
  readonly #threads: number;
  readonly #plans = new Map<number, Executable>();

  constructor(config: DualEncoderConfig, store: ParameterStore, version: string, threads: number) {
    this.config = config;
    this.#store = store;
    this.version = version;
    this.#threads = threads;
  }

  /** Opens a folder. @throws {DataFormatError} {@link WeightsError} when it is not such a checkpoint */
  static async open(folder: string, threads: number): Promise<DualEncoder> {
    const file = join(folder, "config.json");
    const parsed = dualEncoderConfigSchema.safeParse(readJsonFile(file));
    if (!parsed.success)
      throw new DataFormatError("not a frame-text encoder of ours", {
        where: file,
        hint: "the folder relevance/encoder of a quickstart is one",
      });
    const store = dualEncoderStore(parsed.data, false);
    const weights = join(folder, weightsFile);
    const tensors = await openSafetensors(weights);
    try {
      for (const { name, shape, data } of store.tensors()) {
        const stored = tensors.tensors.get(name)?.shape;
        if (stored === undefined || elementCount(stored) !== elementCount(shape))
          throw new WeightsError("tensor of a frame-text encoder", {
            where: `${weights}, ${name}`,
            expected: `[${shape.join(", ")}]`,
            got: stored === undefined ? "nothing" : `[${stored.join(", ")}]`,
          });
        await tensors.readInto(name, data);
      }
    } finally {
      await tensors.close();
    }
    return new DualEncoder(parsed.data, store, await sha256OfFile(weights), threads);
  }

  /**
   * Cosine of each frame's best patch with the keywords.
   *
   * @param frames  rgb24 pictures of the configured size, in order of time
   * @throws {ConfigError} for a keyword that it has never seen
   */
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
