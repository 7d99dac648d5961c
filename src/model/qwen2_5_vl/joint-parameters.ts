import { elementCount } from "../../graph/value.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { expectedTensors } from "./hub-tensors.ts";

/** A tensor of a Hugging Face checkpoint. */
export interface HubTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Which part of a model a parameter belongs to, for freezing. */
export type ModelPart = "vision" | "merger" | "language";

/**
 * A tensor as the graph uses it. Projections that read the same input are one matrix (query, key, value; gate, up):
 * their checkpoint tensors are row ranges of it, one behind the other, so a checkpoint is read and written without
 * a copy.
 */
export interface JointParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Checkpoint tensors, in the order of their rows. */
  readonly parts: readonly HubTensor[];
  readonly part: ModelPart;
}

/** A linear map as a module: the graph's parameter and the modules of the checkpoint that it joins. */
export interface LinearModule {
  readonly name: string;
  readonly parts: readonly { readonly name: string; readonly rows: number }[];
}

/** Query, key and value projection of language block `layer` (0-based). */
export const qkvModule = (config: Qwen25VLConfig, layer: number): LinearModule => {
  const { heads, kvHeads, headDim } = config.text;
  const prefix = `model.layers.${layer}.self_attn.`;
  return {
    name: `${prefix}qkv_proj`,
    parts: [
      { name: `${prefix}q_proj`, rows: heads * headDim },
      { name: `${prefix}k_proj`, rows: kvHeads * headDim },
      { name: `${prefix}v_proj`, rows: kvHeads * headDim },
    ],
  };
};

/** Gate and up projection of an MLP under `prefix`. */
export const gateUpModule = (prefix: string, rows: number): LinearModule => ({
  name: `${prefix}.gate_up_proj`,
  parts: [
    { name: `${prefix}.gate_proj`, rows },
    { name: `${prefix}.up_proj`, rows },
  ],
});

/** A module that stands in the checkpoint as it is. */
export const plainModule = (name: string, rows: number): LinearModule => ({ name, parts: [{ name, rows }] });

/** The parameter that a checkpoint tensor becomes a part of. */
const jointName = (name: string): string =>
  name.replace(/\.[qkv]_proj\./, ".qkv_proj.").replace(/\.(gate|up)_proj\./, ".gate_up_proj.");

const partOf = (name: string): ModelPart => {
  if (name.startsWith("visual.merger.")) return "merger";
  return name.startsWith("visual.") ? "vision" : "language";
};

/** Every parameter of a model. Kernels are matrices here: [out, everything else]. */
export const jointParameters = (config: Qwen25VLConfig): readonly JointParameter[] => {
  const groups = new Map<string, HubTensor[]>();
  for (const tensor of expectedTensors(config)) {
    const name = jointName(tensor.name);
    groups.set(name, [...(groups.get(name) ?? []), tensor]);
  }
  return [...groups].map(([name, parts]) => {
    const rows = parts.reduce((total, tensor) => total + tensor.shape[0]!, 0);
    const width = elementCount(parts[0]!.shape.slice(1));
    return { name, shape: parts[0]!.shape.length === 1 ? [rows] : [rows, width], parts, part: partOf(name) };
  });
};
