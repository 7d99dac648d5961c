import { applyOne, checkShape, elementCount, type Node, type Operation, type Value } from "../value.ts";
import { reshape } from "./broadcast.ts";

/** How the factors of a product are used. */
export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
}

/** Rows, inner size and columns of a product of two matrices or two stacks of matrices. */
const sizes = (
  a: Value,
  b: Value,
  { transposeA, transposeB }: MatmulAttributes,
): [number, number, number, number] => {
  const [a0, a1] = a.shape.slice(-2) as [number, number];
  const [b0, b1] = b.shape.slice(-2) as [number, number];
  return [transposeA ? a1 : a0, transposeA ? a0 : a1, transposeB ? b1 : b0, transposeB ? b0 : b1];
};

const matmulOperation: Operation<MatmulAttributes> = {
  name: "matmul",
  infer: (inputs, attributes) => {
    const [a, b] = inputs as readonly [Value, Value];
    const [rows, inner, innerB, columns] = sizes(a, b, attributes);
    const batch = a.shape.slice(0, -2);
    const fits = inner === innerB && batch.join() === b.shape.slice(0, -2).join();
    checkShape(fits, "matmul", inputs, "equal inner sizes and equal leading axes");
    return [{ shape: [...batch, rows, columns], dtype: "float32" }];
  },
  vjp: (node, [g]) => {
    const [a, b] = node.inputs as readonly [Value, Value];
    const { transposeA: tA, transposeB: tB, alpha } = node.attributes;
    const da = tA ? product(b, g!, tB, true, alpha) : product(g!, b, false, !tB, alpha);
    const db = tB ? product(g!, a, true, tA, alpha) : product(a, g!, !tA, false, alpha);
    return [da, db];
  },
  evaluate: (node, [a, b]) => {
    const { transposeA, transposeB, alpha } = node.attributes;
    const [rows, inner, , columns] = sizes(node.inputs[0]!, node.inputs[1]!, node.attributes);
    const { shape } = node.outputs[0]!;
    const data = new Float64Array(elementCount(shape));
    const batches = elementCount(shape.slice(0, -2));
    for (let n = 0; n < batches; n++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let total = 0;
          for (let k = 0; k < inner; k++) {
            const left = a!.data[n * rows * inner + (transposeA ? k * rows + i : i * inner + k)]!;
            const right = b!.data[n * inner * columns + (transposeB ? j * inner + k : k * columns + j)]!;
            total += left * right;
          }
          data[(n * rows + i) * columns + j] = alpha * total;
        }
      }
    }
    return [{ shape, data }];
  },
  lower: (node, emitter) => {
    const { transposeA, transposeB, alpha } = node.attributes;
    const from = node.inputs.map(emitter.name);
    const to = [emitter.name(node.outputs[0]!)];
    if (!transposeA && !transposeB && alpha === 1) emitter.node("MatMul", from, to);
    else {
      const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: { float: alpha } };
      emitter.node("FusedMatMul", from, to, attributes, "com.microsoft");
    }
  },
};

/** True for a product of two matrices, which can also add something to its result. */
export const isMatrixProduct = (node: Node): boolean =>
  node.operation.name === matmulOperation.name && node.outputs[0]!.shape.length === 2;

const product = (a: Value, b: Value, transposeA: boolean, transposeB: boolean, alpha: number): Value =>
  applyOne(matmulOperation, [a, b], { transposeA, transposeB, alpha });

/** Options of {@link matmul}: use a factor transposed (its last two axes), scale the product. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly alpha?: number;
}

/** alpha * A B for matrices, or for stacks of matrices with equal leading axes. */
export const matmul = (a: Value, b: Value, options: MatmulOptions = {}): Value =>
  product(a, b, options.transposeA ?? false, options.transposeB ?? false, options.alpha ?? 1);

/** x W^T for rows x [..., in] and a weight W [out, in], as Hugging Face stores it. */
export const linear = (x: Value, weight: Value): Value => {
  const width = x.shape.at(-1)!;
  const rows = reshape(x, [elementCount(x.shape) / width, width]);
  return reshape(matmul(rows, weight, { transposeB: true }), [...x.shape.slice(0, -1), weight.shape[0]!]);
};
