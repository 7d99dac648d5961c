import { add } from "../graph/ops/elementwise.ts";
import { split } from "../graph/ops/layout.ts";
import { linear, matmul } from "../graph/ops/matmul.ts";
import type { Value } from "../graph/value.ts";

/** A low-rank side path of one module: out += factor * B (A x). A is [rank, in], B is [out, rank]. */
export interface LoraValues {
  readonly a: Value;
  readonly b: Value;
  /** alpha / rank, or alpha / sqrt(rank). */
  readonly factor: number;
}

/** Where the graph of the model finds its weights. */
export interface Weights {
  /** The parameter of this name, as `jointParameters` lists it. */
  readonly get: (name: string) => Value;
  /** The adapter of a module of the checkpoint, when it has one. */
  readonly lora: (module: string) => LoraValues | undefined;
  /** x W^T with the parameter W of this name in another form (packed, quantized). Absent: the parameter itself. */
  readonly product?: (x: Value, name: string) => Value;
}

/** x W^T with a parameter, in the form in which the weights have it. */
export const productWith = (x: Value, name: string, weights: Weights): Value =>
  weights.product?.(x, name) ?? linear(x, weights.get(name));

/**
 * x W^T + b with the low-rank side path of the module, as several pieces of its columns; x is [N, in]. The weights are
 * cut, not the rows: that moves far fewer numbers. `bias`: the module has one.
 */
export const linearPieces = (
  x: Value,
  module: string,
  sizes: readonly number[],
  weights: Weights,
  bias: boolean,
): readonly Value[] => {
  const matrices = split(weights.get(`${module}.weight`), 0, sizes);
  const biases = bias ? split(weights.get(`${module}.bias`), 0, sizes) : undefined;
  const lora = weights.lora(module);
  const low = lora && linear(x, lora.a);
  const sides = lora && split(lora.b, 0, sizes);
  return matrices.map((matrix, i) => {
    const straight = linear(x, matrix);
    const out = biases === undefined ? straight : add(straight, biases[i]!);
    if (low === undefined) return out;
    return add(out, matmul(low, sides![i]!, { transposeB: true, alpha: lora!.factor }));
  });
};

/** The same as one piece. */
export const linearModule = (x: Value, module: string, weights: Weights, bias: boolean): Value => {
  const straight = productWith(x, `${module}.weight`, weights);
  const out = bias ? add(straight, weights.get(`${module}.bias`)) : straight;
  const lora = weights.lora(module);
  if (lora === undefined) return out;
  return add(out, matmul(linear(x, lora.a), lora.b, { transposeB: true, alpha: lora.factor }));
};
