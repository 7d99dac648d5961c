import { add, scale } from "../../graph/ops/elementwise.ts";
import { filled } from "../../graph/ops/inputs.ts";
import { concat } from "../../graph/ops/layout.ts";
import { linear } from "../../graph/ops/matmul.ts";
import type { Value } from "../../graph/value.ts";
import type { LinearModule } from "./joint-parameters.ts";

/** A low-rank side path of one module: out += factor * B (A x). A is [rank, in], B is [out, rank]. */
export interface LoraValues {
  readonly a: Value;
  readonly b: Value;
  /** alpha / rank, or alpha / sqrt(rank). */
  readonly factor: number;
}

/** Where the graph of the model finds its weights. */
export interface Weights {
  /** The parameter of this name, as `modelParameters` lists it. */
  readonly get: (name: string) => Value;
  /** The adapter of a module of the checkpoint, when it has one. */
  readonly lora: (module: string) => LoraValues | undefined;
}

/** x W^T + b plus the low-rank side paths of the module's parts; x is [N, in]. `bias`: the module has one. */
export const linearModule = (x: Value, module: LinearModule, weights: Weights, bias: boolean): Value => {
  const straight = linear(x, weights.get(`${module.name}.weight`));
  const out = bias ? add(straight, weights.get(`${module.name}.bias`)) : straight;
  const paths = module.parts.map((part) => ({ rows: part.rows, lora: weights.lora(part.name) }));
  if (paths.every(({ lora }) => lora === undefined)) return out;
  const sides = paths.map(({ rows, lora }) =>
    lora === undefined
      ? filled([x.shape[0]!, rows], 0)
      : scale(linear(linear(x, lora.a), lora.b), lora.factor),
  );
  return add(out, concat(sides, 1));
};
