import { apply, applyOne, checkShape, elementCount, type Operation, type Value } from "../value.ts";
import { sameShape } from "./broadcast.ts";
import { filled } from "./inputs.ts";

const transposeOperation: Operation<readonly number[]> = {
  name: "transpose",
  infer: (inputs, permutation) => {
    const { shape, dtype } = inputs[0]!;
    const sorted = [...permutation].sort((a, b) => a - b);
    checkShape(
      sorted.length === shape.length && sorted.every((axis, i) => axis === i),
      "transpose",
      inputs,
      `a permutation of its axes, not ${permutation.join(", ")}`,
    );
    return [{ shape: permutation.map((axis) => shape[axis]!), dtype }];
  },
  vjp: (node, [g]) => {
    const inverse = node.attributes.map((_, axis) => node.attributes.indexOf(axis));
    return [transpose(g!, inverse)];
  },
  evaluate: (node, [x]) => {
    const { shape } = node.outputs[0]!;
    const strides = x!.shape.map((_, axis) => elementCount(x!.shape.slice(axis + 1)));
    const data = new Float64Array(x!.data.length);
    for (let at = 0; at < data.length; at++) {
      let rest = at;
      let from = 0;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += (rest % shape[axis]!) * strides[node.attributes[axis]!]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      data[at] = x!.data[from]!;
    }
    return [{ shape, data }];
  },
  lower: (node, emitter) =>
    emitter.node("Transpose", [emitter.name(node.inputs[0]!)], [emitter.name(node.outputs[0]!)], {
      perm: node.attributes,
    }),
};

/** Axes in another order: axis i of the result is axis `permutation[i]` of x. */
export const transpose = (x: Value, permutation: readonly number[]): Value =>
  applyOne(transposeOperation, [x], permutation);

interface SplitAttributes {
  readonly axis: number;
  readonly sizes: readonly number[];
}

const splitOperation: Operation<SplitAttributes> = {
  name: "split",
  infer: (inputs, { axis, sizes }) => {
    const { shape, dtype } = inputs[0]!;
    const total = sizes.reduce((a, b) => a + b, 0);
    checkShape(shape[axis] === total, "split", inputs, `${total} along axis ${axis}`);
    return sizes.map((size) => ({ shape: shape.with(axis, size), dtype }));
  },
  vjp: (node, cotangents) => [
    concat(
      node.outputs.map((output, i) => cotangents[i] ?? filled(output.shape, 0)),
      node.attributes.axis,
    ),
  ],
  evaluate: (node, [x]) => {
    const { axis, sizes } = node.attributes;
    const inner = elementCount(x!.shape.slice(axis + 1));
    const outer = elementCount(x!.shape.slice(0, axis));
    const width = x!.shape[axis]! * inner;
    let start = 0;
    return sizes.map((size, i) => {
      const data = new Float64Array(outer * size * inner);
      for (let row = 0; row < outer; row++)
        data.set(
          x!.data.subarray(row * width + start, row * width + start + size * inner),
          row * size * inner,
        );
      start += size * inner;
      return { shape: node.outputs[i]!.shape, data };
    });
  },
  lower: (node, emitter) =>
    emitter.node(
      "Split",
      [emitter.name(node.inputs[0]!), emitter.integers(node.attributes.sizes)],
      node.outputs.map(emitter.name),
      { axis: node.attributes.axis },
    ),
};

/** Consecutive pieces along an axis. */
export const split = (x: Value, axis: number, sizes: readonly number[]): readonly Value[] =>
  sizes.length === 1 ? [x] : apply(splitOperation, [x], { axis, sizes });

interface SliceAttributes {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

const sliceOperation: Operation<SliceAttributes> = {
  name: "slice",
  infer: (inputs, { axis, start, end }) => {
    const { shape, dtype } = inputs[0]!;
    const fits = start >= 0 && start < end && end <= (shape[axis] ?? 0);
    checkShape(fits, "slice", inputs, `${start} to ${end} along axis ${axis}`);
    return [{ shape: shape.with(axis, end - start), dtype }];
  },
  vjp: (node, [g]) => {
    const { axis, start, end } = node.attributes;
    const { shape } = node.inputs[0]!;
    const zeros = (size: number): Value[] => (size === 0 ? [] : [filled(shape.with(axis, size), 0)]);
    return [concat([...zeros(start), g!, ...zeros(shape[axis]! - end)], axis)];
  },
  evaluate: (node, [x]) => {
    const { axis, start, end } = node.attributes;
    const inner = elementCount(x!.shape.slice(axis + 1));
    const outer = elementCount(x!.shape.slice(0, axis));
    const width = x!.shape[axis]! * inner;
    const kept = (end - start) * inner;
    const data = new Float64Array(outer * kept);
    for (let row = 0; row < outer; row++)
      data.set(x!.data.subarray(row * width + start * inner, row * width + end * inner), row * kept);
    return [{ shape: node.outputs[0]!.shape, data }];
  },
  lower: (node, emitter) => {
    const { axis, start, end } = node.attributes;
    const numbers = [[start], [end], [axis]].map((values) => emitter.integers(values));
    emitter.node("Slice", [emitter.name(node.inputs[0]!), ...numbers], [emitter.name(node.outputs[0]!)]);
  },
};

/** Positions `start` to `end` (not included) along an axis. */
export const slice = (x: Value, axis: number, start: number, end: number): Value =>
  start === 0 && end === x.shape[axis] ? x : applyOne(sliceOperation, [x], { axis, start, end });

const concatOperation: Operation<number> = {
  name: "concat",
  infer: (inputs, axis) => {
    const { shape, dtype } = inputs[0]!;
    const fits = inputs.every((x) => sameShape(x.shape.with(axis, 0), shape.with(axis, 0)));
    checkShape(fits, "concat", inputs, `shapes that differ in axis ${axis} only`);
    return [
      {
        shape: shape.with(
          axis,
          inputs.reduce((total, x) => total + x.shape[axis]!, 0),
        ),
        dtype,
      },
    ];
  },
  vjp: (node, [g]) =>
    split(
      g!,
      node.attributes,
      node.inputs.map((x) => x.shape[node.attributes]!),
    ),
  evaluate: (node, inputs) => {
    const { shape } = node.outputs[0]!;
    const axis = node.attributes;
    const outer = elementCount(shape.slice(0, axis));
    const data = new Float64Array(elementCount(shape));
    let at = 0;
    for (let row = 0; row < outer; row++) {
      for (const x of inputs) {
        const width = elementCount(x.shape.slice(axis));
        data.set(x.data.subarray(row * width, (row + 1) * width), at);
        at += width;
      }
    }
    return [{ shape, data }];
  },
  lower: (node, emitter) =>
    emitter.node("Concat", node.inputs.map(emitter.name), [emitter.name(node.outputs[0]!)], {
      axis: node.attributes,
    }),
};

/** Values one behind the other along an axis. */
export const concat = (values: readonly Value[], axis: number): Value =>
  values.length === 1 ? values[0]! : applyOne(concatOperation, values, axis);
