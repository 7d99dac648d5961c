import { WeightsError } from "../core/errors.ts";
import type { Adapter, LoraModule } from "./adapter.ts";

/** Adds `sign` * scale * B A to a weight [O, I], each entry summed in float64 and rounded once. */
const addProduct = (weight: Float32Array, module: LoraModule, sign: 1 | -1): void => {
  const { rank, inputs, outputs, a_RI, b_OR } = module;
  const row = new Float64Array(inputs);
  for (let o = 0; o < outputs; o++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = sign * module.scale * b_OR[o * rank + r]!;
      for (let i = 0; i < inputs; i++) row[i]! += factor * a_RI[r * inputs + i]!;
    }
    for (let i = 0; i < inputs; i++) weight[o * inputs + i]! += row[i]!;
  }
};

/** The numbers of a weight of the checkpoint by its hub name; changed in place. */
export type WeightOf = (name: string) => Float32Array;

const changeAll = (adapter: Adapter, weightOf: WeightOf, sign: 1 | -1): void => {
  for (const module of adapter.modules) {
    const weight = weightOf(`${module.name}.weight`);
    if (weight.length !== module.outputs * module.inputs)
      throw new WeightsError("adapter of a module of another shape", {
        where: module.name,
        expected: `${weight.length} weights`,
        got: `[${module.outputs}, ${module.inputs}]`,
      });
    addProduct(weight, module, sign);
  }
};

/**
 * W += scale * B A for every module, and the parameters that the adapter replaces whole: afterwards the model computes
 * without the adapter what it computed with it, up to float32 rounding.
 *
 * @throws {WeightsError} when a module has another shape
 */
export const mergeAdapter = (adapter: Adapter, weightOf: WeightOf): void => {
  changeAll(adapter, weightOf, 1);
  for (const { name, data } of adapter.replaced) weightOf(name).set(data);
};

/**
 * W -= scale * B A for every module: undoes {@link mergeAdapter} up to float32 rounding. What the adapter replaced
 * whole is gone, so such an adapter cannot be taken out again.
 *
 * @throws {WeightsError} when the adapter replaces parameters, or when a module has another shape
 */
export const unmergeAdapter = (adapter: Adapter, weightOf: WeightOf): void => {
  if (adapter.replaced.length > 0)
    throw new WeightsError("adapter that replaces whole parameters cannot be taken out", {
      got: adapter.replaced.map(({ name }) => name).join(", "),
      hint: "read the checkpoint again",
    });
  changeAll(adapter, weightOf, -1);
};
