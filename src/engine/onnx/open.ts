import { type Checkpoint, openCheckpoint } from "../../model/qwen2_5_vl/checkpoint.ts";
import type { Qwen25VLConfig } from "../../model/qwen2_5_vl/config.ts";
import { type JointParameter, jointParameters } from "../../model/qwen2_5_vl/joint-parameters.ts";
import { type LoraAdapter, loraParameters } from "../lora.ts";
import { ParameterStore } from "../parameter-store.ts";

/** What of a model is trained. */
export type Trained = "all" | "none" | "adapter" | ((parameter: JointParameter) => boolean);

/** Memory for all parameters of a model (zeros), and gradients for what is trained. */
export const emptyStore = (
  config: Qwen25VLConfig,
  trained: Trained,
  adapter?: LoraAdapter,
): ParameterStore => {
  const base = jointParameters(config);
  const extra = adapter === undefined ? [] : loraParameters(adapter, base);
  const adapterNames = new Set(extra.map(({ name }) => name));
  const isTrained = (parameter: JointParameter): boolean => {
    if (typeof trained === "function") return trained(parameter);
    return trained === "all" || (trained === "adapter" && adapterNames.has(parameter.name));
  };
  return new ParameterStore([...base, ...extra], isTrained);
};

/** Reads every tensor of an open checkpoint into a store. */
export const fillStore = async (store: ParameterStore, checkpoint: Checkpoint): Promise<void> => {
  const known = new Set(checkpoint.names());
  for (const { name, data } of store.tensors()) if (known.has(name)) await checkpoint.readInto(name, data);
};

/** A checkpoint's configuration and its parameters in memory. */
export const loadStore = async (
  folder: string,
  trained: Trained,
  adapter?: LoraAdapter,
): Promise<{ config: Qwen25VLConfig; store: ParameterStore }> => {
  const checkpoint = await openCheckpoint(folder);
  try {
    const store = emptyStore(checkpoint.config, trained, adapter);
    await fillStore(store, checkpoint);
    return { config: checkpoint.config, store };
  } finally {
    await checkpoint.close();
  }
};
