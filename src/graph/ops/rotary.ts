import { applyOne, checkShape, type Operation, type Value } from "../value.ts";
import { negate } from "./elementwise.ts";

const rotaryOperation: Operation<null> = {
  name: "rotary",
  infer: (inputs) => {
    const [x, cos, sin] = inputs as readonly [Value, Value, Value];
    const half = cos.shape[1]!;
    const fits = x.shape.length === 2 && cos.shape[0] === x.shape[0] && x.shape[1]! % (2 * half) === 0;
    checkShape(
      fits && sin.shape.join() === cos.shape.join(),
      "rotary",
      inputs,
      "[N, heads * 2h] and two [N, h]",
    );
    return [{ shape: x.shape, dtype: "float32" }];
  },
  vjp: (node, [g]) => [rotary(g!, node.inputs[1]!, negate(node.inputs[2]!)), undefined, undefined],
  evaluate: (node, [x, cos, sin]) => {
    const [rows, width] = node.inputs[0]!.shape as [number, number];
    const half = node.inputs[1]!.shape[1]!;
    const data = new Float64Array(rows * width);
    for (let n = 0; n < rows; n++) {
      for (let start = 0; start < width; start += 2 * half) {
        for (let j = 0; j < half; j++) {
          const at = n * width + start + j;
          const c = cos!.data[n * half + j]!;
          const s = sin!.data[n * half + j]!;
          data[at] = x!.data[at]! * c - x!.data[at + half]! * s;
          data[at + half] = x!.data[at + half]! * c + x!.data[at]! * s;
        }
      }
    }
    return [{ shape: [rows, width], data }];
  },
  lower: (node, emitter) => {
    const [x, cos, sin] = node.inputs as readonly [Value, Value, Value];
    const [rows, width] = x.shape as [number, number];
    const [stacked, turned] = [emitter.temporary(), emitter.temporary()];
    const positions = emitter.integers(Array.from({ length: rows }, (_, n) => n));
    const row = emitter.temporary();
    emitter.node("Reshape", [positions, emitter.integers([1, rows])], [row]);
    emitter.node("Reshape", [emitter.name(x), emitter.integers([1, rows, width])], [stacked]);
    const from = [stacked, row, emitter.name(cos), emitter.name(sin)];
    emitter.node("RotaryEmbedding", from, [turned], { interleaved: 0 }, "com.microsoft");
    emitter.node("Reshape", [turned, emitter.integers([rows, width])], [emitter.name(node.outputs[0]!)]);
  },
};

/**
 * Rotary positions, halves convention: in every head (first half a, second half b) gives (a cos - b sin, b cos + a sin).
 *
 * @param x    rows [N, heads * 2h]
 * @param cos  cosines [N, h], one row a token
 * @param sin  sines [N, h]
 * @source Su et al. 2021; the halves convention is that of GPT-NeoX and transformers
 */
export const rotary = (x: Value, cos: Value, sin: Value): Value =>
  applyOne(rotaryOperation, [x, cos, sin], null);
