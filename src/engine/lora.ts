import { assert } from "../core/errors.ts";
import type { JointParameter } from "../model/joint-parameters.ts";
import type { Adapter } from "../weights/adapter.ts";
import type { ParameterStore } from "./parameter-store.ts";

/** The side path of one module: its rank, and what its product is multiplied by. */
export interface LoraModuleShape {
  /** Module of the checkpoint, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly name: string;
  readonly rank: number;
  /** alpha / rank, or alpha / sqrt(rank) for rank-stabilised adapters. */
  readonly factor: number;
  /** As its files state it; left out: what `factor` says for a plain adapter. */
  readonly alpha?: number;
}

/** A low-rank adapter: which modules have a side path, and of which shape. @source Hu et al. 2021 */
export interface LoraAdapter {
  readonly modules: readonly LoraModuleShape[];
  /** Tensors of the model that it replaces whole. */
  readonly replaced?: readonly string[];
  /** What else its files say. */
  readonly facts?: Pick<Adapter, "rsLora" | "dropout" | "base">;
}

/** Names of the two matrices of a module's side path in the parameter store. */
export const loraNames = (module: string): { readonly a: string; readonly b: string } => ({
  a: `${module}.lora_A.weight`,
  b: `${module}.lora_B.weight`,
});

/** The adapter's parameters: A [rank, in] and B [out, rank] of every module. */
export const loraParameters = (
  adapter: LoraAdapter,
  parameters: readonly JointParameter[],
): JointParameter[] => {
  const shapes = new Map(
    parameters.flatMap(({ parts, part }) => parts.map((tensor) => [tensor.name, { tensor, part }] as const)),
  );
  return adapter.modules.flatMap(({ name: module, rank }) => {
    const found = shapes.get(`${module}.weight`);
    assert(found !== undefined, `adapter of a module that the model does not have: ${module}`);
    const [out, width] = found.tensor.shape as [number, number];
    const make = (name: string, shape: readonly number[]): JointParameter => ({
      name,
      shape,
      parts: [{ name, shape }],
      part: found.part,
    });
    const { a, b } = loraNames(module);
    return [make(a, [rank, width]), make(b, [out, rank])];
  });
};

/** What the graph has to know of an adapter that was read from a PEFT folder. */
export const adapterShape = (adapter: Adapter): LoraAdapter => ({
  modules: adapter.modules.map(({ name, rank, scale, alpha }) => ({ name, rank, factor: scale, alpha })),
  replaced: adapter.replaced.map(({ name }) => name),
  facts: { rsLora: adapter.rsLora, dropout: adapter.dropout, base: adapter.base },
});

/** Writes an adapter's numbers into a store that was made with its shape; `modules_to_save` replace whole tensors. */
export const fillAdapter = (store: ParameterStore, adapter: Adapter): void => {
  for (const { name, a_RI, b_OR } of adapter.modules) {
    const { a, b } = loraNames(name);
    store.get(a).value.set(a_RI);
    store.get(b).value.set(b_OR);
  }
  for (const { name, data } of adapter.replaced) store.tensor(name).data.set(data);
};
