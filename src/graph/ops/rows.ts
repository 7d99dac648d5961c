import { applyOne, checkShape, elementCount, type Operation, type Value } from "../value.ts";
import { filled } from "./inputs.ts";

const rowSize = (x: Value): number => elementCount(x.shape.slice(1));

const gatherOperation: Operation<null> = {
  name: "gatherRows",
  infer: (inputs) => {
    const [x, indices] = inputs as readonly [Value, Value];
    checkShape(
      indices.dtype === "int64" && indices.shape.length === 1,
      "gatherRows",
      inputs,
      "1-D int64 indices",
    );
    return [{ shape: [indices.shape[0]!, ...x.shape.slice(1)], dtype: x.dtype }];
  },
  vjp: (node, [g]) => [scatterAddRows(node.inputs[0]!.shape, node.inputs[1]!, g!), undefined],
  evaluate: (node, [x, indices]) => {
    const width = rowSize(node.inputs[0]!);
    const data = new Float64Array(indices!.data.length * width);
    indices!.data.forEach((row, i) => {
      data.set(x!.data.subarray(row * width, (row + 1) * width), i * width);
    });
    return [{ shape: node.outputs[0]!.shape, data }];
  },
  lower: (node, emitter) =>
    emitter.node("Gather", node.inputs.map(emitter.name), [emitter.name(node.outputs[0]!)], { axis: 0 }),
};

/** Rows `indices[i]` of x ([N, ...] by [M] to [M, ...]); rows may repeat, their gradients add up. */
export const gatherRows = (x: Value, indices: Value): Value => applyOne(gatherOperation, [x, indices], null);

const scatterOperation: Operation<readonly number[]> = {
  name: "scatterAddRows",
  infer: (inputs, shape) => {
    const [indices, rows] = inputs as readonly [Value, Value];
    checkShape(indices.shape[0] === rows.shape[0], "scatterAddRows", inputs, "one index a row");
    return [{ shape, dtype: "float32" }];
  },
  vjp: (node, [g]) => [undefined, gatherRows(g!, node.inputs[0]!)],
  evaluate: (node, [indices, rows]) => {
    const width = rowSize(node.inputs[1]!);
    const data = new Float64Array(elementCount(node.attributes));
    indices!.data.forEach((row, i) => {
      for (let d = 0; d < width; d++) data[row * width + d]! += rows!.data[i * width + d]!;
    });
    return [{ shape: node.attributes, data }];
  },
  lower: (node, emitter) => {
    const [indices, rows] = node.inputs as readonly [Value, Value];
    const zeros = emitter.temporary();
    const column = emitter.temporary();
    emitter.node("Expand", [emitter.floats(0), emitter.integers(node.attributes)], [zeros]);
    emitter.node("Unsqueeze", [emitter.name(indices), emitter.integers([1])], [column]);
    const to = emitter.name(node.outputs[0]!);
    emitter.node("ScatterND", [zeros, column, emitter.name(rows)], [to], { reduction: "add" });
  },
};

/** Zeros of `shape` to which row i of `rows` is added at row `indices[i]`. */
export const scatterAddRows = (shape: readonly number[], indices: Value, rows: Value): Value =>
  applyOne(scatterOperation, [indices, rows], shape);

const permuteOperation: Operation<null> = {
  name: "permuteRows",
  infer: (inputs) => {
    const [x, order, inverse] = inputs as readonly [Value, Value, Value];
    const fits = order.shape[0] === x.shape[0] && inverse.shape[0] === x.shape[0];
    checkShape(fits, "permuteRows", inputs, "an order and its inverse, one entry a row");
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  vjp: (node, [g]) => [permuteRows(g!, node.inputs[2]!, node.inputs[1]!), undefined, undefined],
  evaluate: (node, inputs) => gatherOperation.evaluate(node, inputs),
  lower: (node, emitter) => {
    const from = [emitter.name(node.inputs[0]!), emitter.name(node.inputs[1]!)];
    emitter.node("Gather", from, [emitter.name(node.outputs[0]!)], { axis: 0 });
  },
};

/** Row i of the result is row `order[i]` of x; `inverse` undoes `order`, so the gradient is a gather too. */
export const permuteRows = (x: Value, order: Value, inverse: Value): Value =>
  applyOne(permuteOperation, [x, order, inverse], null);

/** One row of zeros behind the rows of x, for positions that show nothing. */
export const zeroRow = (x: Value): Value => filled([1, ...x.shape.slice(1)], 0);
