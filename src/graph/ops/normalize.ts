import { assert } from "../../core/errors.ts";
import { apply, applyOne, checkShape, elementCount, type Operation, type Value } from "../value.ts";
import { reshape, sumKeep } from "./broadcast.ts";
import { add, div, mul, sqrt, sub } from "./elementwise.ts";
import { filled } from "./inputs.ts";
import { concat } from "./layout.ts";
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
  // With r = 1/rms(x) [N, 1] and p = g x: dw = r^T p; dx = g w r - x r^3 (p w) / D. Five passes over [N, D].
  vjp: (node, [g]) => {
    const [x, weight] = node.inputs as readonly [Value, Value];
    const width = x.shape[1]!;
    const inverse = node.outputs[1]!;
    const product = mul(g!, x);
    const column = matmul(product, reshape(weight, [width, 1]), { alpha: 1 / width });
    const cubed = mul(inverse, mul(inverse, inverse));
    const dx = sub(mul(mul(g!, weight), inverse), mul(x, mul(column, cubed)));
    return [dx, reshape(matmul(inverse, product, { transposeA: true }), [width])];
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

const softmaxMixOperation: Operation<null> = {
  name: "softmaxMix",
  infer: (inputs) => {
    const [scores, values] = inputs as readonly [Value, Value];
    const lead = scores.shape.slice(0, -2);
    const fits =
      values.shape.slice(0, -2).join() === lead.join() && values.shape.at(-2) === scores.shape.at(-1);
    checkShape(fits, "softmaxMix", inputs, "scores [..., R, L] and values [..., L, d]");
    return [
      { shape: scores.shape.with(-1, values.shape.at(-1)!), dtype: "float32" },
      { shape: scores.shape, dtype: "float32" },
    ];
  },
  // With P the probabilities and D = rowsum(g out): dvalues = P^T g and dscores = P (g values^T - D). The subtraction
  // is part of the product: [g, -D] [values, 1]^T, so that only one pass over the scores remains.
  vjp: (node, [g, gProbabilities]) => {
    assert(gProbabilities === undefined, "probabilities of softmaxMix are not differentiated");
    const [scores, values] = node.inputs as readonly [Value, Value];
    const [mixed, probabilities] = node.outputs as readonly [Value, Value];
    const width = values.shape.at(-1)!;
    const lead = scores.shape.slice(0, -1);
    const products = reshape(mul(g!, mixed), [elementCount(lead), width]);
    const sums = reshape(matmul(products, filled([width, 1], -1)), [...lead, 1]);
    const last = lead.length;
    const extended = concat([g!, sums], last);
    const ones = filled([...values.shape.slice(0, -1), 1], 1);
    const inner = matmul(extended, concat([values, ones], last), { transposeB: true });
    return [mul(probabilities, inner), matmul(probabilities, g!, { transposeA: true })];
  },
  evaluate: (node, [scores, values]) => {
    const probabilities = softmaxOperation.evaluate(node as never, [scores!])[0]!;
    const [length, width] = node.inputs[1]!.shape.slice(-2) as [number, number];
    const rows = node.inputs[0]!.shape.at(-2)!;
    const { shape } = node.outputs[0]!;
    const data = new Float64Array(elementCount(shape));
    for (let row = 0; row < data.length / width; row++) {
      const stack = Math.floor(row / rows);
      for (let l = 0; l < length; l++)
        for (let d = 0; d < width; d++)
          data[row * width + d]! +=
            probabilities.data[row * length + l]! * values!.data[(stack * length + l) * width + d]!;
    }
    return [{ shape, data }, probabilities];
  },
  lower: (node, emitter) => {
    const [mixed, probabilities] = node.outputs.map(emitter.name) as [string, string];
    const [scores, values] = node.inputs.map(emitter.name) as [string, string];
    emitter.node("Softmax", [scores], [probabilities], { axis: -1 });
    emitter.node("MatMul", [probabilities, values], [mixed]);
  },
};

/** softmax(scores) values: scores [..., R, L] and values [..., L, d] to [..., R, d]; what attention ends with. */
export const softmaxMix = (scores: Value, values: Value): Value =>
  apply(softmaxMixOperation, [scores, values], null)[0]!;

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
