/** The parameters of the small frame-text encoder in memory and in its folder. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { DataFormatError, WeightsError } from "../core/errors.ts";
import { readJsonFile, sha256OfFile, writeFileAtomic } from "../core/files.ts";
import { seededRandom } from "../core/random.ts";
import { elementCount } from "../graph/value.ts";
import { type DualEncoderConfig, dualEncoderConfigSchema } from "../model/dual-encoder-config.ts";
import { dualEncoderParameters } from "../model/dual-encoder-graph.ts";
import { initialize } from "../model/initialize.ts";
import { openSafetensors } from "../weights/safetensors.ts";
import { writeSafetensors } from "../weights/write-safetensors.ts";
import { ParameterStore } from "./parameter-store.ts";

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

/** New weights that are to be trained. */
export const newDualEncoderStore = (config: DualEncoderConfig, seed: number): ParameterStore => {
  const store = dualEncoderStore(config, true);
  initialize(store.all(), seededRandom(seed, "dual encoder"), 1);
  return store;
};

/** Writes configuration and weights. */
export const saveDualEncoder = (folder: string, config: DualEncoderConfig, store: ParameterStore): void => {
  writeSafetensors(join(folder, weightsFile), [...store.tensors()], "F32");
  writeFileAtomic(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
};

/** An encoder's folder in memory; `version` is the SHA-256 of its weights. */
export interface StoredDualEncoder {
  readonly config: DualEncoderConfig;
  readonly store: ParameterStore;
  readonly version: string;
}

/** Reads the weights of a folder into memory. @throws {WeightsError} when they are another encoder's */
export const readDualEncoder = async (folder: string, store: ParameterStore): Promise<void> => {
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
};

/** @throws {WeightsError} unless a folder's encoder has this configuration: its rows of words mean the same ones */
export const checkSameEncoder = (folder: string, config: DualEncoderConfig): void => {
  const file = join(folder, "config.json");
  const stored = readJsonFile(file) as Partial<DualEncoderConfig>;
  if (isDeepStrictEqual(stored, JSON.parse(JSON.stringify(config)))) return;
  const words = stored.words ?? [];
  const isOther = !isDeepStrictEqual(words, config.words);
  throw new WeightsError("another encoder than the one in training", {
    where: file,
    ...(isOther && { expected: `its ${config.words.length} words`, got: `${words.length} others` }),
    hint: "begin the run anew",
  });
};

/** Reads what {@link saveDualEncoder} wrote. @throws {DataFormatError} {@link WeightsError} when it is something else */
export const loadDualEncoder = async (folder: string): Promise<StoredDualEncoder> => {
  const file = join(folder, "config.json");
  const parsed = dualEncoderConfigSchema.safeParse(readJsonFile(file));
  if (!parsed.success)
    throw new DataFormatError("not a frame-text encoder of ours", {
      where: file,
      hint: "the folder relevance/encoder of a quickstart is one",
    });
  const store = dualEncoderStore(parsed.data, false);
  await readDualEncoder(folder, store);
  return { config: parsed.data, store, version: await sha256OfFile(join(folder, weightsFile)) };
};
