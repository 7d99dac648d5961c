import { apply, applyOne, checkShape, type Operation, type Value } from "../value.ts";
import { broadcastArray, broadcastShape, sumTo } from "./broadcast.ts";

type BinaryVjp = (
  a: Value,
  b: Value,
  out: Value,
  g: Value,
) => readonly [Value | undefined, Value | undefined];

const binary = (
  name: string,
  onnx: string,
  compute: (a: number, b: number) => number,
  vjp: BinaryVjp,
): ((a: Value, b: Value) => Value) => {
  const operation: Operation<null> = {
    name,
    infer: (inputs) => {
      const shape = broadcastShape(inputs[0]!.shape, inputs[1]!.shape);
      checkShape(shape !== undefined, name, inputs, "shapes that broadcast");
      return [{ shape: shape!, dtype: "float32" }];
    },
    vjp: (node, [g]) => {
      const [a, b] = node.inputs as readonly [Value, Value];
      const [da, db] = vjp(a, b, node.outputs[0]!, g!);
      return [da && sumTo(da, a.shape), db && sumTo(db, b.shape)];
    },
    evaluate: (node, [a, b]) => {
      const { shape } = node.outputs[0]!;
      const left = broadcastArray(a!, shape);
      const right = broadcastArray(b!, shape);
      return [{ shape, data: left.map((value, i) => compute(value, right[i]!)) }];
    },
    lower: (node, emitter) =>
      emitter.node(onnx, node.inputs.map(emitter.name), [emitter.name(node.outputs[0]!)]),
  };
  return (a, b) => applyOne(operation, [a, b], null);
};

type UnaryVjp = (x: Value, y: Value, g: Value) => Value;

/** How a unary function is written in ONNX: an operator name, or nodes from `from` to `to`. */
type UnaryLowering =
  | string
  | ((emitter: Parameters<Operation["lower"]>[1], from: string, to: string) => void);

const unary = (
  name: string,
  lowering: UnaryLowering,
  compute: (x: number) => number,
  vjp: UnaryVjp,
): ((x: Value) => Value) => {
  const operation: Operation<null> = {
    name,
    infer: ([x]) => [{ shape: x!.shape, dtype: "float32" }],
    vjp: (node, [g]) => [vjp(node.inputs[0]!, node.outputs[0]!, g!)],
    evaluate: (_, [x]) => [{ shape: x!.shape, data: x!.data.map(compute) }],
    lower: (node, emitter) => {
      const from = emitter.name(node.inputs[0]!);
      const to = emitter.name(node.outputs[0]!);
      if (typeof lowering === "string") emitter.node(lowering, [from], [to]);
      else lowering(emitter, from, to);
    },
  };
  return (x) => applyOne(operation, [x], null);
};

/** a + b with broadcasting. */
export const add: (a: Value, b: Value) => Value = binary(
  "add",
  "Add",
  (a, b) => a + b,
  (_a, _b, _o, g) => [g, g],
);
/** a - b with broadcasting. */
export const sub: (a: Value, b: Value) => Value = binary(
  "sub",
  "Sub",
  (a, b) => a - b,
  (_a, _b, _o, g) => [g, negate(g)],
);
/** a * b with broadcasting. */
export const mul: (a: Value, b: Value) => Value = binary(
  "mul",
  "Mul",
  (a, b) => a * b,
  (a, b, _o, g) => [mul(g, b), mul(g, a)],
);
/** a / b with broadcasting. */
export const div: (a: Value, b: Value) => Value = binary(
  "div",
  "Div",
  (a, b) => a / b,
  (_a, b, out, g) => {
    const da = div(g, b);
    return [da, negate(mul(da, out))];
  },
);
/** The smaller of a and b; at a tie the gradient goes to a. */
export const minimum: (a: Value, b: Value) => Value = binary(
  "minimum",
  "Min",
  (a, b) => Math.min(a, b),
  (a, b, _o, g) => {
    const first = lessOrEqual(a, b);
    return [mul(g, first), mul(g, oneMinus(first))];
  },
);

/** 1 where a <= b, else 0; no gradient. */
export const lessOrEqual = (a: Value, b: Value): Value => applyOne(lessOrEqualOperation, [a, b], null);

const lessOrEqualOperation: Operation<null> = {
  name: "lessOrEqual",
  infer: (inputs) => {
    const shape = broadcastShape(inputs[0]!.shape, inputs[1]!.shape);
    checkShape(shape !== undefined, "lessOrEqual", inputs, "shapes that broadcast");
    return [{ shape: shape!, dtype: "float32" }];
  },
  evaluate: (node, [a, b]) => {
    const { shape } = node.outputs[0]!;
    const right = broadcastArray(b!, shape);
    return [{ shape, data: broadcastArray(a!, shape).map((value, i) => (value <= right[i]! ? 1 : 0)) }];
  },
  lower: (node, emitter) => {
    const truth = emitter.temporary();
    emitter.node("LessOrEqual", node.inputs.map(emitter.name), [truth]);
    emitter.node("Cast", [truth], [emitter.name(node.outputs[0]!)], { to: 1 });
  },
};

/** The negative of x. */
export const negate: (x: Value) => Value = unary(
  "negate",
  "Neg",
  (x) => -x,
  (_x, _y, g) => negate(g),
);
/** Exponential function of x. */
export const exp: (x: Value) => Value = unary("exp", "Exp", Math.exp, (_x, y, g) => mul(g, y));
/** Natural logarithm. */
export const log: (x: Value) => Value = unary("log", "Log", Math.log, (x, _y, g) => div(g, x));
/** Square root. */
export const sqrt: (x: Value) => Value = unary("sqrt", "Sqrt", Math.sqrt, (_x, y, g) =>
  div(scale(g, 0.5), y),
);
/** Logistic function 1 / (1 + e^-x). */
export const sigmoid: (x: Value) => Value = unary(
  "sigmoid",
  "Sigmoid",
  (x) => 1 / (1 + Math.exp(-x)),
  (_x, y, g) => mul(g, mul(y, oneMinus(y))),
);
/** x * sigmoid(x), the activation of the language model and the vision tower. */
export const silu: (x: Value) => Value = unary(
  "silu",
  // Two operators: QuickGelu takes twice their time.
  (emitter, from, to) => {
    const logistic = emitter.temporary();
    emitter.node("Sigmoid", [from], [logistic]);
    emitter.node("Mul", [from, logistic], [to]);
  },
  (x) => x / (1 + Math.exp(-x)),
  (x, y, g) => {
    // y' = s + y (1 - s) with s = sigmoid(x)
    const s = sigmoid(x);
    return mul(g, add(s, sub(y, mul(y, s))));
  },
);

const swigluOperation: Operation<null> = {
  name: "swiglu",
  infer: (inputs) => {
    const [gate, up] = inputs as readonly [Value, Value];
    checkShape(gate.shape.join() === up.shape.join(), "swiglu", inputs, "equal shapes");
    return [
      { shape: gate.shape, dtype: "float32" },
      { shape: gate.shape, dtype: "float32" },
    ];
  },
  // With s = sigmoid(gate), which is kept, and y = gate s: dup = g y; dgate = g up (s + y - y s).
  vjp: (node, [g]) => {
    const [gate, up] = node.inputs as readonly [Value, Value];
    const s = node.outputs[1]!;
    const y = mul(gate, s);
    const slope = add(sub(s, mul(y, s)), y);
    return [mul(mul(g!, up), slope), mul(g!, y)];
  },
  evaluate: (node, [gate, up]) => {
    const { shape } = node.outputs[0]!;
    const s = gate!.data.map((x) => 1 / (1 + Math.exp(-x)));
    return [
      { shape, data: gate!.data.map((x, i) => x * s[i]! * up!.data[i]!) },
      { shape, data: s },
    ];
  },
  lower: (node, emitter) => {
    const [gate, up] = node.inputs.map(emitter.name) as [string, string];
    const [out, s] = node.outputs.map(emitter.name) as [string, string];
    const y = emitter.temporary();
    emitter.node("Sigmoid", [gate], [s]);
    emitter.node("Mul", [gate, s], [y]);
    emitter.node("Mul", [y, up], [out]);
  },
};

/** silu(gate) * up, of equal shapes. @source Shazeer 2020 */
export const swiglu = (gate: Value, up: Value): Value => apply(swigluOperation, [gate, up], null)[0]!;

/** Error function to 1.2e-7 (Abramowitz and Stegun 7.1.26 has 1.5e-7; this is W. J. Cody's rational form by series). */
const errorFunction = (x: number): number => {
  // Maclaurin series converges quickly below 3; beyond, 1 - erfc by continued fraction.
  const z = Math.abs(x);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 60; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)));
};

/** Error function erf(x). */
export const erf: (x: Value) => Value = unary("erf", "Erf", errorFunction, (x, _y, g) =>
  mul(g, scale(exp(negate(mul(x, x))), 2 / Math.sqrt(Math.PI))),
);

/** x times the standard normal distribution function of x (the exact GELU), the merger's activation. */
export const gelu = (x: Value): Value => mul(x, addScalar(scale(erf(scale(x, Math.SQRT1_2)), 0.5), 0.5));

interface AffineAttributes {
  readonly factor: number;
  readonly offset: number;
}

const affineOperation: Operation<AffineAttributes> = {
  name: "affine",
  infer: ([x]) => [{ shape: x!.shape, dtype: "float32" }],
  vjp: (node, [g]) => [scale(g!, node.attributes.factor)],
  evaluate: (node, [x]) => {
    const { factor, offset } = node.attributes;
    return [{ shape: x!.shape, data: x!.data.map((value) => value * factor + offset) }];
  },
  lower: (node, emitter) => {
    const { factor, offset } = node.attributes;
    let from = emitter.name(node.inputs[0]!);
    const to = emitter.name(node.outputs[0]!);
    if (factor !== 1 || offset === 0) {
      const product = offset === 0 ? to : emitter.temporary();
      emitter.node("Mul", [from, emitter.floats(factor)], [product]);
      from = product;
    }
    if (offset !== 0) emitter.node("Add", [from, emitter.floats(offset)], [to]);
  },
};

/** factor * x. */
export const scale = (x: Value, factor: number): Value =>
  factor === 1 ? x : applyOne(affineOperation, [x], { factor, offset: 0 });
/** x + offset. */
export const addScalar = (x: Value, offset: number): Value =>
  offset === 0 ? x : applyOne(affineOperation, [x], { factor: 1, offset });
/** 1 - x. */
export const oneMinus = (x: Value): Value => applyOne(affineOperation, [x], { factor: -1, offset: 1 });

/** Values outside [low, high] are cut off; the gradient is 0 there. */
export const clip = (x: Value, low: number, high: number): Value =>
  negate(minimum(negate(minimum(x, filledLike(high))), filledLike(-low)));

const filledLike = (value: number): Value => applyOne(scalarOperation, [], value);

const scalarOperation: Operation<number> = {
  name: "scalar",
  infer: () => [{ shape: [], dtype: "float32" }],
  evaluate: (node) => [{ shape: [], data: Float64Array.of(node.attributes) }],
  lower: (node, emitter) =>
    emitter.node("Identity", [emitter.floats(node.attributes)], [emitter.name(node.outputs[0]!)]),
};
