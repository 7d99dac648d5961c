/** Where the worker finds the numbers of a checkpoint, and those of an adapter by the names that an engine gives them. */
import { resolve } from "node:path";
import { WeightsError } from "../../core/errors.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { JointParameter } from "../../model/joint-parameters.ts";
import type { Adapter } from "../../weights/adapter.ts";
import { loraNames } from "../lora.ts";

/** A tensor, its file, and what it is called there. */
export interface TensorPlace {
  readonly name: string;
  readonly file: string;
  readonly stored: string;
}

/**
 * The places of a checkpoint's tensors.
 *
 * @param all what the engine has, besides an adapter's side paths
 * @throws {WeightsError} when the checkpoint is of another model
 */
export const tensorPlaces = (checkpoint: Checkpoint, all: readonly JointParameter[]): TensorPlace[] => {
  const own = new Map(all.map(({ name, parts }) => [name, parts[0]!.shape]));
  return checkpoint.names().map((name) => {
    const [shape, wanted] = [checkpoint.shape(name), own.get(name)];
    if (String(shape) !== String(wanted))
      throw new WeightsError("checkpoint of another model", {
        where: `${checkpoint.folder}, ${name}`,
        expected: wanted === undefined ? "no such tensor" : `[${wanted.join(", ")}]`,
        got: `[${shape.join(", ")}]`,
      });
    const { file, stored } = checkpoint.place(name);
    return { name, file: resolve(file), stored };
  });
};

/** All tensors of an adapter. */
export const adapterTensors = ({ modules, replaced }: Adapter): Map<string, Float32Array> =>
  new Map([
    ...modules.flatMap(({ name, a_RI, b_OR }) => {
      const { a, b } = loraNames(name);
      return [[a, a_RI] as const, [b, b_OR] as const];
    }),
    ...replaced.map(({ name, data }) => [name, data] as const),
  ]);
