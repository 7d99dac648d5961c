/** What broadcasting needs in both directions: reshaping, repeating axes, summing them away again. */
import {
  applyOne,
  checkShape,
  elementCount,
  type Operation,
  type ReferenceArray,
  type Value,
} from "../value.ts";

/** The shape of two operands under NumPy's broadcasting rule, or undefined when they do not fit. */
export const broadcastShape = (a: readonly number[], b: readonly number[]): number[] | undefined => {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const m = a[axis - rank + a.length] ?? 1;
    const n = b[axis - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) return undefined;
    shape.push(m === 1 ? n : m);
  }
  return shape;
};

/** Reads `array` as though it had `shape` (broadcast), row-major. */
export const broadcastArray = (array: ReferenceArray, shape: readonly number[]): Float64Array => {
  const out = new Float64Array(elementCount(shape));
  const offset = shape.length - array.shape.length;
  for (let at = 0; at < out.length; at++) {
    let rest = at;
    let from = 0;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= offset; axis--) {
      const position = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
      const size = array.shape[axis - offset]!;
      if (size !== 1) from += position * stride;
      stride *= size;
    }
    out[at] = array.data[from]!;
  }
  return out;
};

/** True when two shapes are equal. */
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

const reshapeOperation: Operation<readonly number[]> = {
  name: "reshape",
  infer: (inputs, shape) => {
    checkShape(
      elementCount(inputs[0]!.shape) === elementCount(shape),
      "reshape",
      inputs,
      `[${shape.join(", ")}]`,
    );
    return [{ shape, dtype: inputs[0]!.dtype }];
  },
  vjp: (node, [g]) => [reshape(g!, node.inputs[0]!.shape)],
  evaluate: (node, [x]) => [{ shape: node.attributes, data: x!.data }],
  lower: (node, emitter) =>
    emitter.node(
      "Reshape",
      [emitter.name(node.inputs[0]!), emitter.integers(node.attributes)],
      [emitter.name(node.outputs[0]!)],
    ),
};

/** The same numbers in another shape. */
export const reshape = (x: Value, shape: readonly number[]): Value =>
  sameShape(x.shape, shape) ? x : applyOne(reshapeOperation, [x], shape);

const broadcastOperation: Operation<readonly number[]> = {
  name: "broadcastTo",
  infer: (inputs, shape) => {
    const joint = broadcastShape(inputs[0]!.shape, shape);
    checkShape(
      joint !== undefined && sameShape(joint, shape),
      "broadcastTo",
      inputs,
      `[${shape.join(", ")}]`,
    );
    return [{ shape, dtype: "float32" }];
  },
  vjp: (node, [g]) => [sumTo(g!, node.inputs[0]!.shape)],
  evaluate: (node, [x]) => [{ shape: node.attributes, data: broadcastArray(x!, node.attributes) }],
  lower: (node, emitter) =>
    emitter.node(
      "Expand",
      [emitter.name(node.inputs[0]!), emitter.integers(node.attributes)],
      [emitter.name(node.outputs[0]!)],
    ),
};

/** Repeats axes of size 1 (and new leading axes) up to `shape`. */
export const broadcastTo = (x: Value, shape: readonly number[]): Value =>
  sameShape(x.shape, shape) ? x : applyOne(broadcastOperation, [x], shape);

interface ReduceAttributes {
  readonly axes: readonly number[];
}

/** Shape with the axes reduced to 1. */
const kept = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.map((size, axis) => (axes.includes(axis) ? 1 : size));

const reduction = (
  name: string,
  onnx: string,
  start: number,
  step: (total: number, x: number) => number,
  vjp: Operation<ReduceAttributes>["vjp"],
): Operation<ReduceAttributes> => ({
  name,
  infer: ([x], { axes }) => {
    checkShape(
      axes.every((axis) => axis >= 0 && axis < x!.shape.length),
      name,
      [x!],
      `axes ${axes.join(", ")}`,
    );
    return [{ shape: kept(x!.shape, axes), dtype: "float32" }];
  },
  ...(vjp === undefined ? {} : { vjp }),
  evaluate: (node, [x]) => {
    const shape = node.outputs[0]!.shape;
    const data = new Float64Array(elementCount(shape)).fill(start);
    for (let at = 0; at < x!.data.length; at++) {
      let rest = at;
      let to = 0;
      let stride = 1;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const position = rest % x!.shape[axis]!;
        rest = Math.floor(rest / x!.shape[axis]!);
        if (shape[axis] !== 1) to += position * stride;
        stride *= shape[axis]!;
      }
      data[to] = step(data[to]!, x!.data[at]!);
    }
    return [{ shape, data }];
  },
  lower: (node, emitter) =>
    emitter.node(
      onnx,
      [emitter.name(node.inputs[0]!), emitter.integers(node.attributes.axes)],
      [emitter.name(node.outputs[0]!)],
      { keepdims: 1 },
    ),
});

const sumOperation = reduction(
  "sum",
  "ReduceSum",
  0,
  (total, x) => total + x,
  (node, [g]) => [broadcastTo(g!, node.inputs[0]!.shape)],
);
const maxOperation = reduction("max", "ReduceMax", Number.NEGATIVE_INFINITY, Math.max, undefined);

/** Every axis of a value. */
export const allAxes = (x: Value): number[] => x.shape.map((_, axis) => axis);

/** Sum over `axes`, which stay with size 1. */
export const sumKeep = (x: Value, axes: readonly number[]): Value =>
  axes.length === 0 ? x : applyOne(sumOperation, [x], { axes });

/** Largest value along `axes` (kept with size 1); no gradient flows through it. */
export const maxKeep = (x: Value, axes: readonly number[]): Value => applyOne(maxOperation, [x], { axes });

/** Sums away whatever broadcasting had added, so that the result has `shape`. */
export const sumTo = (x: Value, shape: readonly number[]): Value => {
  if (x.shape.length === shape.length && x.shape.every((size, axis) => size === shape[axis])) return x;
  const extra = x.shape.length - shape.length;
  const axes = allAxes(x).filter(
    (axis) => axis < extra || (shape[axis - extra] === 1 && x.shape[axis] !== 1),
  );
  return reshape(sumKeep(x, axes), shape);
};
