/** What every engine keeps in its folders, whoever holds the numbers: adapters in PEFT's layout, the optimizer's state. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RunError, WeightsError } from "../core/errors.ts";
import type { Adapter } from "../weights/adapter.ts";
import { adapterShape, type LoraAdapter, loraNames } from "./lora.ts";

/** The optimizer's moments, and in its metadata the number of updates. */
export const optimizerFile = "optimizer.safetensors";

/** @returns the file of the optimizer's state @throws {RunError} when it is not there */
export const checkHasOptimizer = (folder: string): string => {
  const file = join(folder, optimizerFile);
  if (existsSync(file)) return file;
  throw new RunError("checkpoint without optimizer state", {
    where: file,
    hint: "start a new run from it instead",
  });
};

/** @throws {WeightsError} when a folder holds an adapter and the engine a whole model, or the other way round */
export const checkFolderKind = (folder: string, hasAdapter: boolean): void => {
  const isAdapter = existsSync(join(folder, "adapter_config.json"));
  if (isAdapter !== hasAdapter)
    throw new WeightsError("folder of another kind", {
      where: folder,
      expected: isAdapter ? "a whole model" : "an adapter (PEFT)",
      got: isAdapter ? "an adapter" : "a whole model",
    });
};

/** Numbers of a tensor. */
export interface TensorNumbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Names of what an adapter's folder holds whole: what it replaces, and what is trained besides it. */
export const wholeNames = ({ modules, replaced = [] }: LoraAdapter, trained: readonly string[]): string[] => {
  const sides = new Set(modules.flatMap(({ name }) => Object.values(loraNames(name))));
  return [...new Set([...replaced, ...trained.filter((name) => !sides.has(name))])];
};

/** An adapter as its folder is written. @param whole {@link wholeNames} */
export const adapterContent = (
  adapter: LoraAdapter,
  whole: readonly string[],
  numbersOf: (name: string) => TensorNumbers,
): Pick<Adapter, "modules" | "replaced" | "rsLora" | "dropout" | "base"> => {
  const { rsLora = false, dropout = 0, base = "" } = adapter.facts ?? {};
  const modules = adapter.modules.map(({ name, rank, factor, alpha }) => {
    const { a, b } = loraNames(name);
    const [matrixA, matrixB] = [numbersOf(a), numbersOf(b)];
    return {
      name,
      rank,
      alpha: alpha ?? factor * (rsLora ? Math.sqrt(rank) : rank),
      scale: factor,
      a_RI: matrixA.data,
      b_OR: matrixB.data,
      inputs: matrixA.shape[1]!,
      outputs: matrixB.shape[0]!,
    };
  });
  const replaced = whole.map((name) => ({ name, ...numbersOf(name) }));
  return { modules, replaced, rsLora, dropout, base };
};

const describeModules = (modules: LoraAdapter["modules"]): string =>
  modules
    .map(({ name, rank }) => `${name} ${rank}`)
    .sort()
    .join();

/** @throws {WeightsError} unless an adapter that was read has the modules and whole tensors of the engine's own */
export const checkSameAdapter = (
  folder: string,
  read: Adapter,
  adapter: LoraAdapter,
  whole: readonly string[],
): void => {
  if (read.unties === true)
    throw new WeightsError("adapter of the word table or head, and the engine has one matrix for both", {
      where: folder,
      hint: "open the engine with this adapter",
    });
  const given = new Set(read.replaced.map(({ name }) => name));
  const missing = whole.find((name) => !given.has(name));
  const isSame = describeModules(adapterShape(read).modules) === describeModules(adapter.modules);
  if (!isSame || missing !== undefined || given.size !== whole.length)
    throw new WeightsError("another adapter than the engine's", {
      where: folder,
      expected: `${adapter.modules.length} modules and ${whole.length} whole tensors of the engine's own`,
      got: `${read.modules.length} modules and ${given.size} whole tensors`,
    });
};
