import { assert } from "../src/core/errors.ts";
import { type ReferenceArray, topologicalOrder, type Value } from "../src/graph/value.ts";

/**
 * The reference interpreter: evaluates the graph in float64, one naive rule an operation.
 *
 * @param outputs what to compute
 * @param inputs  numbers of every named input that the outputs depend on
 */
export const interpret = (
  outputs: readonly Value[],
  inputs: Readonly<Record<string, ArrayLike<number>>>,
): readonly ReferenceArray[] => {
  const arrays = new Map<Value, ReferenceArray>();
  for (const node of topologicalOrder(outputs)) {
    if (node.operation.name === "input") {
      const { name } = node.attributes as { name: string };
      const given = inputs[name];
      assert(given !== undefined, `no numbers for input ${name}`);
      arrays.set(node.outputs[0]!, { shape: node.outputs[0]!.shape, data: Float64Array.from(given) });
      continue;
    }
    const results = node.operation.evaluate(
      node,
      node.inputs.map((input) => arrays.get(input)!),
    );
    node.outputs.forEach((value, i) => {
      arrays.set(value, results[i]!);
    });
  }
  return outputs.map((output) => arrays.get(output)!);
};
