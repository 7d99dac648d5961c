import type { JointParameter } from "../model/qwen2_5_vl/joint-parameters.ts";

/** A low-rank adapter: which modules of the checkpoint have one, its rank and its factor. @source Hu et al. 2021 */
export interface LoraAdapter {
  /** Module names of the checkpoint, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly modules: readonly string[];
  readonly rank: number;
  /** alpha / rank, or alpha / sqrt(rank) for rank-stabilised adapters. */
  readonly factor: number;
}

/** The adapter's parameters: A [rank, in] and B [out, rank] of every module. */
export const loraParameters = (
  adapter: LoraAdapter,
  parameters: readonly JointParameter[],
): JointParameter[] => {
  const shapes = new Map(
    parameters.flatMap(({ parts, part }) => parts.map((tensor) => [tensor.name, { tensor, part }] as const)),
  );
  return adapter.modules.flatMap((module) => {
    const found = shapes.get(`${module}.weight`)!;
    const [out, width] = found.tensor.shape as [number, number];
    const make = (name: string, shape: readonly number[]): JointParameter => ({
      name,
      shape,
      parts: [{ name, shape }],
      part: found.part,
    });
    return [
      make(`${module}.lora_A.weight`, [adapter.rank, width]),
      make(`${module}.lora_B.weight`, [out, adapter.rank]),
    ];
  });
};
