import { elementCount } from "../graph/value.ts";
import type { Parameter } from "../weights/parameter.ts";
import type { ModelConfig } from "./config.ts";
import { expectedTensors } from "./parameters.ts";

/** A tensor of a Hugging Face checkpoint. */
export type HubTensor = Parameter;

/** Which part of a model a parameter belongs to, for freezing. */
export type ModelPart = "vision" | "merger" | "language";

/**
 * A tensor as the graph uses it, and the checkpoint tensors that it holds one behind the other, so that a checkpoint
 * is read and written without a copy.
 */
export interface JointParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Checkpoint tensors, in the order of their rows. */
  readonly parts: readonly HubTensor[];
  readonly part: ModelPart;
}

const partOf = (name: string): ModelPart => {
  if (name.startsWith("visual.merger.")) return "merger";
  return name.startsWith("visual.") ? "vision" : "language";
};

/** Every parameter of a model: the checkpoint's tensors. Kernels are matrices here: [out, everything else]. */
export const jointParameters = (config: ModelConfig): readonly JointParameter[] =>
  expectedTensors(config).map((tensor) => {
    const { name, shape } = tensor;
    const flat = shape.length === 1 ? shape : [shape[0]!, elementCount(shape.slice(1))];
    return { name, shape: flat, parts: [tensor], part: partOf(name) };
  });
