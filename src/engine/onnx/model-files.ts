import { existsSync } from "node:fs";
import { join } from "node:path";
import { WeightsError } from "../../core/errors.ts";
import { elementCount } from "../../graph/value.ts";
import { adaptedModel } from "../../model/adapted-model.ts";
import { openCheckpoint } from "../../model/checkpoint.ts";
import { saveCheckpoint } from "../../model/save-checkpoint.ts";
import { readAdapter } from "../../weights/adapter.ts";
import { writeAdapter } from "../../weights/write-adapter.ts";
import type { NamedTensor } from "../../weights/write-safetensors.ts";
import type { SaveOptions } from "../contract.ts";
import { adapterShape, type LoraAdapter, loraNames } from "../lora.ts";
import type { ModelWeights } from "../model-weights.ts";
import { loadOptimizer, saveOptimizer } from "../optimizer-state.ts";
import type { ParameterStore } from "../parameter-store.ts";
import type { EmbeddedModel } from "./computation.ts";

/** Every tensor of a model, those in 16 bits widened when their turn comes. */
const wholeTensors = (weights: ModelWeights): NamedTensor[] => [
  ...weights.store.tensors(),
  ...weights
    .halves()
    .flatMap(({ name, parts }) =>
      parts.map(({ name: part, shape }) => ({ name: part, shape, data: () => weights.numbers(name) })),
    ),
];

/** Names of what an adapter's folder holds whole: what it replaces, and what is trained besides it. */
const wholeNames = ({ modules, replaced = [] }: LoraAdapter, store: ParameterStore): string[] => {
  const sides = new Set(modules.flatMap(({ name }) => Object.values(loraNames(name))));
  const trained = store.trained().flatMap(({ parts }) => parts.map(({ name }) => name));
  return [...new Set([...replaced, ...trained.filter((name) => !sides.has(name))])];
};

const saveAdapter = (folder: string, adapter: LoraAdapter, { config, weights }: EmbeddedModel): void => {
  const { store } = weights;
  const { rsLora = false, dropout = 0, base = "" } = adapter.facts ?? {};
  const modules = adapter.modules.map(({ name, rank, factor, alpha }) => {
    const { a, b } = loraNames(name);
    const [matrixA, matrixB] = [store.get(a), store.get(b)];
    return {
      name,
      rank,
      alpha: alpha ?? factor * (rsLora ? Math.sqrt(rank) : rank),
      scale: factor,
      a_RI: matrixA.value,
      b_OR: matrixB.value,
      inputs: matrixA.shape[1]!,
      outputs: matrixB.shape[0]!,
    };
  });
  const replaced = wholeNames(adapter, store).map((name) => store.tensor(name));
  writeAdapter(folder, { modules, replaced, rsLora, dropout, base }, adaptedModel(config));
};

/** Writes a model as a Hugging Face folder (float32), or its adapter as a PEFT folder. */
export const saveModel = (
  folder: string,
  model: EmbeddedModel,
  { optimizer, tokenizerFrom }: SaveOptions,
): void => {
  const { config, weights, adapter } = model;
  if (adapter === undefined) {
    const copied = tokenizerFrom === undefined ? {} : { tokenizerFrom };
    saveCheckpoint(folder, config, wholeTensors(weights), { dtype: "float32", ...copied });
  } else saveAdapter(folder, adapter, model);
  if (optimizer === true) saveOptimizer(folder, weights.store);
};

const loadAdapter = async (
  folder: string,
  adapter: LoraAdapter,
  { config, weights }: EmbeddedModel,
): Promise<void> => {
  const read = await readAdapter(folder, adaptedModel(config));
  const describe = (modules: LoraAdapter["modules"]): string =>
    modules
      .map(({ name, rank }) => `${name} ${rank}`)
      .sort()
      .join();
  if (read.unties === true)
    throw new WeightsError("adapter of the word table or head, and the engine has one matrix for both", {
      where: folder,
      hint: "open the engine with this adapter",
    });
  const whole = wholeNames(adapter, weights.store);
  const given = new Set(read.replaced.map(({ name }) => name));
  const missing = whole.find((name) => !given.has(name));
  if (
    describe(adapterShape(read).modules) !== describe(adapter.modules) ||
    missing !== undefined ||
    given.size !== whole.length
  )
    throw new WeightsError("another adapter than the engine's", {
      where: folder,
      expected: `${adapter.modules.length} modules and ${whole.length} whole tensors of the engine's own`,
      got: `${read.modules.length} modules and ${given.size} whole tensors`,
    });
  for (const { name, a_RI, b_OR } of read.modules) {
    const { a, b } = loraNames(name);
    weights.store.get(a).value.set(a_RI);
    weights.store.get(b).value.set(b_OR);
  }
  for (const { name, data } of read.replaced) weights.store.tensor(name).data.set(data);
};

const loadWhole = async (folder: string, { weights }: EmbeddedModel): Promise<void> => {
  const checkpoint = await openCheckpoint(folder);
  try {
    const parameters = [...weights.store.all(), ...weights.halves()];
    const [own, there] = [parameters.flatMap(({ parts }) => parts).length, checkpoint.names().length];
    if (own !== there)
      throw new WeightsError("checkpoint of another model", {
        where: folder,
        expected: `${own} tensors`,
        got: String(there),
      });
    for (const { name, shape, parts } of parameters) {
      const stored = parts.map((part) => checkpoint.shape(part.name));
      if (stored.some((sides, i) => String(sides) !== String(parts[i]!.shape)))
        throw new WeightsError("checkpoint of another model", {
          where: `${folder}, ${name}`,
          expected: `[${shape.join(", ")}]`,
          got: stored.map((sides) => `[${sides.join(", ")}]`).join(" "),
        });
    }
    for (const { name, data } of weights.store.tensors()) await checkpoint.readInto(name, data);
    for (const { name, shape } of weights.halves()) {
      const numbers = new Float32Array(elementCount(shape));
      await checkpoint.readInto(name, numbers);
      weights.write(name, numbers);
    }
  } finally {
    await checkpoint.close();
  }
};

/**
 * Reads what {@link saveModel} wrote into a model in memory.
 * @throws {WeightsError} when it is of another model or adapter
 * @throws {RunError} when the optimizer's state is wanted and not there
 */
export const loadModel = async (
  folder: string,
  model: EmbeddedModel,
  withOptimizer: boolean,
): Promise<void> => {
  const isAdapter = existsSync(join(folder, "adapter_config.json"));
  if (isAdapter !== (model.adapter !== undefined))
    throw new WeightsError("folder of another kind", {
      where: folder,
      expected: isAdapter ? "a whole model" : "an adapter (PEFT)",
      got: isAdapter ? "an adapter" : "a whole model",
    });
  if (model.adapter === undefined) await loadWhole(folder, model);
  else await loadAdapter(folder, model.adapter, model);
  if (withOptimizer) await loadOptimizer(folder, model.weights.store);
};
