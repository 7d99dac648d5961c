/** Weights of a model in memory: new, or read from a checkpoint. */
import { elementCount } from "../graph/value.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { ModelConfig } from "../model/config.ts";
import { type JointParameter, jointParameters } from "../model/joint-parameters.ts";
import type { TrainedWeights } from "./engine-plugin.ts";
import { type LoraAdapter, loraParameters } from "./lora.ts";
import { type HalfParameter, ModelWeights } from "./model-weights.ts";
import { ParameterStore } from "./parameter-store.ts";

/** What of a model is trained; a function decides for every parameter by itself. */
export type Trained = TrainedWeights | ((parameter: JointParameter) => boolean);

/** All parameters of a model with an adapter, and which are trained. */
export const listParameters = (
  config: ModelConfig,
  trained: Trained,
  adapter: LoraAdapter | undefined,
): {
  readonly all: readonly JointParameter[];
  readonly isTrained: (parameter: JointParameter) => boolean;
} => {
  const base = jointParameters(config);
  const extra = adapter === undefined ? [] : loraParameters(adapter, base);
  const ofAdapter = new Set([...extra.map(({ name }) => name), ...(adapter?.replaced ?? [])]);
  const isTrained = (parameter: JointParameter): boolean => {
    if (typeof trained === "function") return trained(parameter);
    if (trained === "all" || trained === "none") return trained === "all";
    const parts = trained === "adapter" ? [trained] : trained;
    const isOfAdapter =
      ofAdapter.has(parameter.name) || parameter.parts.some(({ name }) => ofAdapter.has(name));
    return parts.includes(parameter.part) || (isOfAdapter && parts.includes("adapter"));
  };
  return { all: [...base, ...extra], isTrained };
};

/** Memory for all parameters of a model (zeros), and gradients for what is trained. */
export const emptyStore = (config: ModelConfig, trained: Trained, adapter?: LoraAdapter): ParameterStore => {
  const { all, isTrained } = listParameters(config, trained, adapter);
  return new ParameterStore(all, isTrained);
};

/** Reads every tensor of an open checkpoint into a store. */
export const fillStore = async (store: ParameterStore, checkpoint: Checkpoint): Promise<void> => {
  const known = new Set(checkpoint.names());
  for (const { name, data } of store.tensors()) if (known.has(name)) await checkpoint.readInto(name, data);
};

/** How frozen matrices are kept: in float32, or in the 16 bits a number that the checkpoint has (computed in float32). */
export type WeightStorage = "float32" | "as-stored";

/** How frozen matrices are kept where nobody says: as stored when float32 would take over half of a machine's memory, in bytes. */
export const usualStorage = (parameters: number, memory: number): WeightStorage =>
  4 * parameters > memory / 2 ? "as-stored" : "float32";

/** From this many parameters on a model is computed block by block unless something else is asked for. */
export const layerwiseFrom = 5e8;

/** Numbers in all tensors of a model, without an adapter. */
export const parameterCount = (config: ModelConfig): number =>
  jointParameters(config).reduce((total, { shape }) => total + elementCount(shape), 0);

/**
 * Reads the weights of an open checkpoint.
 *
 * @param inFloat32 parameters that are kept in float32 whatever `storage` says
 */
export const loadWeights = async (
  checkpoint: Checkpoint,
  trained: Trained,
  adapter: LoraAdapter | undefined,
  storage: WeightStorage,
  inFloat32: ReadonlySet<string> = new Set(),
): Promise<ModelWeights> => {
  const { all, isTrained } = listParameters(checkpoint.config, trained, adapter);
  const known = new Set(checkpoint.names());
  const halves: HalfParameter[] = [];
  const whole: JointParameter[] = [];
  for (const parameter of all) {
    const isFrozenMatrix = parameter.shape.length > 1 && known.has(parameter.name) && !isTrained(parameter);
    const mayStay = storage === "as-stored" && isFrozenMatrix && !inFloat32.has(parameter.name);
    const stored = mayStay ? await checkpoint.readBits(parameter.name) : undefined;
    if (stored === undefined) whole.push(parameter);
    else halves.push({ ...parameter, stored });
  }
  const store = new ParameterStore(whole, isTrained);
  await fillStore(store, checkpoint);
  return new ModelWeights(store, halves);
};
