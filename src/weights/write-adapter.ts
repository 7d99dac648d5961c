import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { WeightsError } from "../core/errors.ts";
import type { Adapter, LoraModule } from "./adapter.ts";
import { type AdaptedModel, linearModules, targetsFor } from "./adapter-names.ts";
import type { AdapterNaming } from "./tensor-names.ts";
import { replaceFolder } from "./write-checkpoint.ts";
import { type NamedTensor, type StorageType, writeSafetensors, writtenTypes } from "./write-safetensors.ts";

/** How an adapter is saved. */
export interface WriteAdapterOptions {
  /** Whose module names; default "current" (transformers 4.52 and later). */
  readonly naming?: AdapterNaming;
  /** Number format; default float32, as peft has it. */
  readonly dtype?: StorageType;
}

/** The commonest value of a list, which must not be empty. */
const commonest = (values: readonly number[]): number => {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0];
};

/** Exceptions from the common value, by the path's own regular expression. */
const exceptions = (
  modules: readonly LoraModule[],
  path: (hub: string) => string,
  common: number,
  numberOf: (module: LoraModule) => number,
): Record<string, number> =>
  Object.fromEntries(
    modules
      .filter((module) => numberOf(module) !== common)
      .map((module) => [path(module.name).replaceAll(".", "\\."), numberOf(module)]),
  );

/**
 * Writes a PEFT folder that peft loads; it appears whole or not at all.
 *
 * @throws {WeightsError} for an adapter without modules, or with one that the model does not have
 */
export const writeAdapter = (
  folder: string,
  adapter: Pick<Adapter, "modules" | "replaced" | "rsLora" | "dropout" | "base">,
  model: AdaptedModel,
  options: WriteAdapterOptions = {},
): void => {
  const { modules, replaced } = adapter;
  const naming = options.naming ?? "current";
  const path = (hub: string): string => model.names.namedFor(naming, hub);
  const linear = linearModules(model);
  if (modules.length === 0) throw new WeightsError("adapter without modules", { where: folder });
  for (const { name, inputs, outputs } of modules) {
    const shape = linear.get(name);
    if (shape === undefined || shape.inputs !== inputs || shape.outputs !== outputs)
      throw new WeightsError("module of an adapter that the model does not have", {
        where: folder,
        got: name,
      });
  }
  const rank = commonest(modules.map((module) => module.rank));
  const alpha = commonest(modules.map((module) => module.alpha));
  const stored = (hub: string): string => `base_model.model.${path(hub)}`;
  const tensors: NamedTensor[] = modules.flatMap((module) => [
    { name: `${stored(module.name)}.lora_A.weight`, shape: [module.rank, module.inputs], data: module.a_RI },
    { name: `${stored(module.name)}.lora_B.weight`, shape: [module.outputs, module.rank], data: module.b_OR },
  ]);
  const targeted = new Set(modules.map(({ name }) => name));
  const saved = new Set<string>();
  for (const { name, shape, data } of replaced) {
    const dot = name.lastIndexOf(".");
    const module = name.slice(0, dot);
    // A module with a side path keeps its replaced weight below it, as peft stores it.
    const place = targeted.has(module) ? `${module}.base_layer` : module;
    if (!targeted.has(module)) saved.add(path(module));
    tensors.push({ name: stored(place + name.slice(dot)), shape, data });
  }
  const json = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: adapter.base,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: adapter.dropout,
    use_rslora: adapter.rsLora,
    target_modules: targetsFor(targeted, model, naming),
    modules_to_save: saved.size === 0 ? null : [...saved],
    rank_pattern: exceptions(modules, path, rank, (module) => module.rank),
    alpha_pattern: exceptions(modules, path, alpha, (module) => module.alpha),
    bias: "none",
    fan_in_fan_out: false,
    init_lora_weights: true,
    use_dora: false,
  };
  replaceFolder(folder, (temporary) => {
    writeFileSync(join(temporary, "adapter_config.json"), `${JSON.stringify(json, undefined, 2)}\n`);
    writeSafetensors(
      join(temporary, "adapter_model.safetensors"),
      tensors,
      writtenTypes[options.dtype ?? "float32"],
    );
  });
};
