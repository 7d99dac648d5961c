import { applyOne, checkShape, type DataType, elementCount, type Operation, type Value } from "../value.ts";

interface InputAttributes {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

const inputOperation: Operation<InputAttributes> = {
  name: "input",
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  evaluate: () => [],
  lower: () => {},
};

/** A named value that is fed when the graph runs. */
export const input = (name: string, shape: readonly number[], dtype: DataType = "float32"): Value =>
  applyOne(inputOperation, [], { name, shape, dtype });

interface FilledAttributes {
  readonly shape: readonly number[];
  readonly value: number;
}

const filledOperation: Operation<FilledAttributes> = {
  name: "filled",
  infer: (_, { shape }) => [{ shape, dtype: "float32" }],
  evaluate: (_, __) => [
    {
      shape: _.attributes.shape,
      data: new Float64Array(elementCount(_.attributes.shape)).fill(_.attributes.value),
    },
  ],
  lower: (node, emitter) => {
    const { shape, value } = node.attributes;
    if (shape.length === 0)
      emitter.node("Identity", [emitter.floats(value)], [emitter.name(node.outputs[0]!)]);
    else
      emitter.node(
        "Expand",
        [emitter.floats(value), emitter.integers(shape)],
        [emitter.name(node.outputs[0]!)],
      );
  },
};

/** A float32 value with the same number everywhere. */
export const filled = (shape: readonly number[], value: number): Value =>
  applyOne(filledOperation, [], { shape, value });

interface ConstantAttributes {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const constantOperation: Operation<ConstantAttributes> = {
  name: "constant",
  infer: (_, { shape }) => [{ shape, dtype: "float32" }],
  evaluate: (node) => [{ shape: node.attributes.shape, data: Float64Array.from(node.attributes.data) }],
  lower: (node, emitter) => {
    const name = emitter.floats(node.attributes.data, node.attributes.shape);
    emitter.node("Identity", [name], [emitter.name(node.outputs[0]!)]);
  },
};

/** Float32 numbers that are part of the graph. */
export const constant = (data: Float32Array, shape: readonly number[]): Value => {
  const value = applyOne(constantOperation, [], { data, shape });
  checkShape(elementCount(shape) === data.length, "constant", [value], `${data.length} elements`);
  return value;
};

const stopOperation: Operation<null> = {
  name: "stopGradient",
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  evaluate: (_, [x]) => [x!],
  lower: (node, emitter) =>
    emitter.node("Identity", [emitter.name(node.inputs[0]!)], [emitter.name(node.outputs[0]!)]),
};

/** The same value, through which no gradient flows. */
export const stopGradient = (x: Value): Value => applyOne(stopOperation, [x], null);
