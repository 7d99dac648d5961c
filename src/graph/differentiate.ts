import { assert, ShapeError } from "../core/errors.ts";
import { add } from "./ops/elementwise.ts";
import { filled } from "./ops/inputs.ts";
import { topologicalOrder, type Value } from "./value.ts";

/** An output together with its cotangent, i.e. one term of the inner product that is differentiated. */
export interface Seed {
  readonly output: Value;
  readonly cotangent: Value;
}

/**
 * Reverse mode: the gradient of sum_i <output_i, cotangent_i> with respect to each value in `wrt`.
 *
 * @returns one value a `wrt`, of its shape; undefined where nothing depends on it
 * @throws {ShapeError} when a cotangent has not its output's shape
 */
export const vectorJacobianProduct = (
  seeds: readonly Seed[],
  wrt: readonly Value[],
): readonly (Value | undefined)[] => {
  const cotangents = new Map<Value, Value>();
  const accumulate = (value: Value, cotangent: Value): void => {
    if (value.shape.join() !== cotangent.shape.join())
      throw new ShapeError(`cotangent of ${value.node.operation.name}`, {
        expected: `[${value.shape.join(", ")}]`,
        got: `[${cotangent.shape.join(", ")}]`,
      });
    const known = cotangents.get(value);
    cotangents.set(value, known === undefined ? cotangent : add(known, cotangent));
  };
  const order = topologicalOrder(seeds.map((seed) => seed.output));
  const needed = new Set(wrt.map((value) => value.node));
  for (const node of order) if (node.inputs.some((input) => needed.has(input.node))) needed.add(node);
  for (const { output, cotangent } of seeds) accumulate(output, cotangent);
  for (const node of order.reverse()) {
    if (!needed.has(node) || node.operation.vjp === undefined) continue;
    const outgoing = node.outputs.map((output) => cotangents.get(output));
    if (outgoing.every((cotangent) => cotangent === undefined)) continue;
    const incoming = node.operation.vjp(node, outgoing);
    assert(incoming.length === node.inputs.length, `${node.operation.name}: one cotangent an input`);
    incoming.forEach((cotangent, i) => {
      const input = node.inputs[i]!;
      if (cotangent !== undefined && needed.has(input.node)) accumulate(input, cotangent);
    });
  }
  return wrt.map((value) => cotangents.get(value));
};

/** Gradient of a scalar. @throws {ShapeError} when `loss` is not a scalar */
export const gradient = (loss: Value, wrt: readonly Value[]): readonly (Value | undefined)[] => {
  if (loss.shape.length !== 0)
    throw new ShapeError("gradient of a loss", { expected: "a scalar", got: `[${loss.shape.join(", ")}]` });
  return vectorJacobianProduct([{ output: loss, cotangent: filled([], 1) }], wrt);
};
