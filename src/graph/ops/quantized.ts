import { applyOne, checkShape, type Operation, type Value } from "../value.ts";

/** Numbers of a row that share a scale. */
export const quantizedBlock = 32;

/** How the product is computed: in float32, or with the rows of x rounded to 8 bits too (faster). */
export type QuantizedProduct = "float32" | "int8";

const linearInt8Operation: Operation<QuantizedProduct> = {
  name: "linearInt8",
  infer: (inputs) => {
    const [x, bytes, scales] = inputs as readonly [Value, Value, Value];
    const [rows, blocks, block] = bytes.shape as [number, number, number];
    const fits =
      bytes.dtype === "uint8" &&
      block === quantizedBlock &&
      blocks === Math.ceil((x.shape[1] ?? 0) / block) &&
      scales.shape[0] === rows * blocks;
    checkShape(fits, "linearInt8", inputs, "[N, I], bytes [O, I / 32, 32] and scales [O I / 32]");
    return [{ shape: [x.shape[0]!, rows], dtype: "float32" }];
  },
  evaluate: (node, [x, bytes, scales]) => {
    const [count, width] = node.inputs[0]!.shape as [number, number];
    const [rows, blocks] = node.inputs[1]!.shape as [number, number];
    const data = new Float64Array(count * rows);
    for (let n = 0; n < count; n++)
      for (let row = 0; row < rows; row++)
        for (let i = 0; i < width; i++) {
          const block = row * blocks + Math.floor(i / quantizedBlock);
          const byte = bytes!.data[row * blocks * quantizedBlock + i]!;
          data[n * rows + row]! += x!.data[n * width + i]! * scales!.data[block]! * (byte - 128);
        }
    return [{ shape: [count, rows], data }];
  },
  lower: (node, emitter) => {
    const [x, bytes] = node.inputs as readonly [Value, Value];
    const attributes = {
      K: x.shape[1]!,
      N: bytes.shape[0]!,
      bits: 8,
      block_size: quantizedBlock,
      accuracy_level: node.attributes === "int8" ? 4 : 1,
    };
    const from = node.inputs.map(emitter.name);
    emitter.node("MatMulNBits", from, [emitter.name(node.outputs[0]!)], attributes, "com.microsoft");
  },
};

/** x W^T with W = scale (byte - 128), one scale for 32 numbers of a row; for decoding, no gradient. */
export const linearInt8 = (
  x: Value,
  bytes: Value,
  scales: Value,
  product: QuantizedProduct = "int8",
): Value => applyOne(linearInt8Operation, [x, bytes, scales], product);
