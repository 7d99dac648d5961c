import { apply, applyOne, checkShape, type Operation, type Value } from "../value.ts";
import { reshape, sumKeep } from "./broadcast.ts";
import { add, div, mul, sqrt, sub } from "./elementwise.ts";
import { filled } from "./inputs.ts";
import { matmul } from "./matmul.ts";

const rmsNormOperation: Operation<number> = {
  name: "rmsNorm",
  infer: (inputs) => {
    const [x, weight] = inputs as readonly [Value, Value];
    checkShape(x.shape.length === 2 && weight.shape[0] === x.shape[1], "rmsNorm", inputs, "[N, D] and [D]");
    return [
      { shape: x.shape, dtype: "float32" },
      { shape: [x.shape[0]!, 1], dtype: "float32" },
    ];
  },
  // With r = 1/rms(x), n = x r, t = g n: dw = sum_rows t; dx = r (g w - n (t w) / D), (t w) a column of row sums.
  vjp: (node, [g]) => {
    const [x, weight] = node.inputs as readonly [Value, Value];
    const width = x.shape[1]!;
    const inverse = node.outputs[1]!;
    const normalized = mul(x, inverse);
    const t = mul(g!, normalized);
    const column = matmul(t, reshape(weight, [width, 1]), { alpha: 1 / width });
    const dx = mul(sub(mul(g!, weight), mul(normalized, column)), inverse);
    const ones = filled([1, x.shape[0]!], 1);
    return [dx, reshape(matmul(ones, t), [width])];
  },
  evaluate: (node, [x, weight]) => {
    const [rows, width] = node.inputs[0]!.shape as [number, number];
    const out = new Float64Array(rows * width);
    const inverse = new Float64Array(rows);
    for (let n = 0; n < rows; n++) {
      let total = 0;
      for (let d = 0; d < width; d++) total += x!.data[n * width + d]! ** 2;
      inverse[n] = 1 / Math.sqrt(total / width + node.attributes);
      for (let d = 0; d < width; d++)
        out[n * width + d] = x!.data[n * width + d]! * inverse[n]! * weight!.data[d]!;
    }
    return [
      { shape: [rows, width], data: out },
      { shape: [rows, 1], data: inverse },
    ];
  },
  lower: (node, emitter) =>
    emitter.node(
      "SimplifiedLayerNormalization",
      node.inputs.map(emitter.name),
      node.outputs.map(emitter.name),
      {
        axis: -1,
        epsilon: { float: node.attributes },
        stash_type: 1,
      },
    ),
};

/** x / sqrt(mean(x^2) + epsilon) * weight for rows x [N, D]. @source Zhang and Sennrich 2019 */
export const rmsNorm = (x: Value, weight: Value, epsilon: number): Value =>
  apply(rmsNormOperation, [x, weight], epsilon)[0]!;

const softmaxOperation: Operation<null> = {
  name: "softmax",
  infer: ([x]) => [{ shape: x!.shape, dtype: "float32" }],
  // dx = y (g - sum(g y))
  vjp: (node, [g]) => {
    const y = node.outputs[0]!;
    const axis = y.shape.length - 1;
    const t = mul(g!, y);
    return [sub(t, mul(y, sumKeep(t, [axis])))];
  },
  evaluate: (_, [x]) => {
    const width = x!.shape.at(-1)!;
    const data = new Float64Array(x!.data.length);
    for (let row = 0; row < data.length; row += width) {
      let top = Number.NEGATIVE_INFINITY;
      for (let i = row; i < row + width; i++) top = Math.max(top, x!.data[i]!);
      let total = 0;
      for (let i = row; i < row + width; i++) total += Math.exp(x!.data[i]! - top);
      for (let i = row; i < row + width; i++) data[i] = Math.exp(x!.data[i]! - top) / total;
    }
    return [{ shape: x!.shape, data }];
  },
  lower: (node, emitter) =>
    emitter.node("Softmax", [emitter.name(node.inputs[0]!)], [emitter.name(node.outputs[0]!)], { axis: -1 }),
};

/** exp(x) / sum(exp(x)) along the last axis. */
export const softmax = (x: Value): Value => applyOne(softmaxOperation, [x], null);

/** Rows of length 1: x / sqrt(sum(x^2) + 1e-12) along the last axis. */
export const unitRows = (x: Value): Value => {
  const axis = x.shape.length - 1;
  return div(x, sqrt(add(sumKeep(mul(x, x), [axis]), filled([], 1e-12))));
};

const tokenLogprobOperation: Operation<null> = {
  name: "tokenLogprob",
  infer: (inputs) => {
    const [logits, targets] = inputs as readonly [Value, Value];
    const fits =
      logits.shape.length === 2 && targets.dtype === "int64" && targets.shape[0] === logits.shape[0];
    checkShape(fits, "tokenLogprob", inputs, "[N, V] logits and [N] int64 targets");
    return [{ shape: [logits.shape[0]!], dtype: "float32" }];
  },
  // d logits = g (onehot(target) - softmax(logits))
  vjp: (node, [g]) => [
    applyOne(tokenLogprobGradient, [node.inputs[0]!, node.inputs[1]!, g!], null),
    undefined,
  ],
  evaluate: (node, [logits, targets]) => {
    const width = node.inputs[0]!.shape[1]!;
    const probabilities = softmaxOperation.evaluate(node, [logits!])[0]!;
    const data = new Float64Array(targets!.data.length);
    targets!.data.forEach((target, n) => {
      data[n] = Math.log(probabilities.data[n * width + target]!);
    });
    return [{ shape: [data.length], data }];
  },
  lower: (node, emitter) => {
    const [logits, targets] = node.inputs as readonly [Value, Value];
    const [all, column, picked] = [emitter.temporary(), emitter.temporary(), emitter.temporary()];
    emitter.node("LogSoftmax", [emitter.name(logits)], [all], { axis: -1 });
    emitter.node("Unsqueeze", [emitter.name(targets), emitter.integers([1])], [column]);
    emitter.node("GatherElements", [all, column], [picked], { axis: 1 });
    emitter.node("Squeeze", [picked, emitter.integers([1])], [emitter.name(node.outputs[0]!)]);
  },
};

const tokenLogprobGradient: Operation<null> = {
  name: "tokenLogprobGradient",
  infer: ([logits]) => [{ shape: logits!.shape, dtype: "float32" }],
  evaluate: (node, [logits, targets, g]) => {
    const width = node.inputs[0]!.shape[1]!;
    const data = softmaxOperation
      .evaluate(node, [logits!])[0]!
      .data.map((p, i) => -p * g!.data[Math.floor(i / width)]!);
    targets!.data.forEach((target, n) => {
      data[n * width + target]! += g!.data[n]!;
    });
    return [{ shape: logits!.shape, data }];
  },
  lower: (node, emitter) => {
    const [logits, targets, g] = node.inputs as readonly [Value, Value, Value];
    const [p, column, weight, negative, scaled] = Array.from({ length: 5 }, emitter.temporary) as [
      string,
      string,
      string,
      string,
      string,
    ];
    emitter.node("Softmax", [emitter.name(logits)], [p], { axis: -1 });
    emitter.node("Unsqueeze", [emitter.name(targets), emitter.integers([1])], [column]);
    emitter.node("Unsqueeze", [emitter.name(g), emitter.integers([1])], [weight]);
    emitter.node("Neg", [weight], [negative]);
    emitter.node("Mul", [p, negative], [scaled]);
    const to = emitter.name(node.outputs[0]!);
    emitter.node("ScatterElements", [scaled, column, weight], [to], { axis: 1, reduction: "add" });
  },
};

/** Log-probability of target n under row n of the logits ([N, V] and [N] to [N], in nats, <= 0). */
export const tokenLogprob = (logits: Value, targets: Value): Value =>
  applyOne(tokenLogprobOperation, [logits, targets], null);
