import { isMatrixProduct, type MatmulAttributes } from "./ops/matmul.ts";
import type { Emitter, Node, Value } from "./value.ts";

/** A sum that is computed inside a matrix product: alpha A B + addend. */
export interface FusedSum {
  readonly product: Node;
  readonly addend: Value;
}

/** Columns or a whole matrix can be added by a product; a column of rows or a scalar is left alone. */
const fitsAddend = (addend: Value, product: Value): boolean => {
  const [rows, columns] = product.shape as [number, number];
  const shape = addend.shape.join();
  return addend.dtype === "float32" && (shape === `${columns}` || shape === `${rows},${columns}`);
};

/**
 * Finds sums of a matrix product, which nobody else reads, and of a bias, a residual or another part of a gradient:
 * one operator does both and saves a pass over the rows.
 *
 * @param order   nodes, inputs before users
 * @param outputs values that are read from outside
 * @returns fused sums by their `add` node; the products in them are not computed apart
 */
export const fuseSums = (order: readonly Node[], outputs: readonly Value[]): ReadonlyMap<Node, FusedSum> => {
  const uses = new Map<Value, number>();
  const use = (value: Value): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  outputs.forEach(use);
  for (const node of order) node.inputs.forEach(use);
  const fused = new Map<Node, FusedSum>();
  const taken = new Set<Node>();
  for (const node of order) {
    if (node.operation.name !== "add") continue;
    const [a, b] = node.inputs as readonly [Value, Value];
    for (const [value, addend] of [
      [a, b],
      [b, a],
    ] as const) {
      const product = value.node;
      if (!isMatrixProduct(product) || taken.has(product) || uses.get(value) !== 1) continue;
      if (!fitsAddend(addend, value)) continue;
      fused.set(node, { product, addend });
      taken.add(product);
      break;
    }
  }
  return fused;
};

/** Emits a fused sum under the name of its `add` node. */
export const emitFusedSum = (node: Node, { product, addend }: FusedSum, emitter: Emitter): void => {
  const { transposeA, transposeB, alpha } = product.attributes as MatmulAttributes;
  const from = [...product.inputs, addend].map(emitter.name);
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: { float: alpha } };
  emitter.node("Gemm", from, [emitter.name(node.outputs[0]!)], { ...attributes, beta: { float: 1 } });
};
