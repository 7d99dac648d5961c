/**
 * Values and nodes of the static graph. Shapes are known when the graph is built; a graph is compiled once for each
 * set of shapes. Every operation is one {@link Operation}: its shape rule, its vector-Jacobian product, its float64
 * reference and its ONNX lowering stand side by side in one file under `ops/`.
 */
import { assert, ShapeError } from "../core/errors.ts";

/** Element types that a value may have. Only float32 values carry gradients. */
export type DataType = "float32" | "int64" | "int32" | "uint8";

/** Shape and element type of one output of a node. */
export interface Signature {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** Numbers of one value in the reference interpreter, row-major. */
export interface ReferenceArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** An ONNX attribute: integer, float, text or a list of integers. */
export type Attribute = number | { readonly float: number } | string | readonly number[];

/** What lowering rules write to. */
export interface Emitter {
  /** The ONNX name of a value. */
  name(value: Value): string;
  /** Adds a node that computes `outputs`; names that start with "" are left out. */
  node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
    domain?: "" | "com.microsoft",
  ): void;
  /** A fresh name for something between two nodes. */
  temporary(): string;
  /** The name of an int64 initializer with these numbers (1-D, or a scalar for a number). */
  integers(values: readonly number[] | number): string;
  /** The name of a float32 initializer (scalar for a number). */
  floats(values: Float32Array | number, shape?: readonly number[]): string;
}

/** One operation of the graph's language; `A` is its attributes. */
export interface Operation<A = unknown> {
  readonly name: string;
  /** Signatures of the outputs, or a {@link ShapeError}. */
  readonly infer: (inputs: readonly Value[], attributes: A) => readonly Signature[];
  /**
   * Cotangents of the inputs, given those of the outputs (undefined = zero). Absent: nothing flows back
   * (indices, masks, stopped gradients).
   */
  readonly vjp?: (
    node: Node<A>,
    cotangents: readonly (Value | undefined)[],
  ) => readonly (Value | undefined)[];
  /** The naive float64 definition that everything else is tested against. */
  readonly evaluate: (node: Node<A>, inputs: readonly ReferenceArray[]) => readonly ReferenceArray[];
  /** Emits ONNX nodes that compute the outputs. */
  readonly lower: (node: Node<A>, emitter: Emitter) => void;
}

/** An application of an operation. */
export interface Node<A = unknown> {
  readonly id: number;
  readonly operation: Operation<A>;
  readonly inputs: readonly Value[];
  readonly attributes: A;
  readonly outputs: readonly Value[];
}

/** One output of a node: what graphs are made of. */
export interface Value extends Signature {
  readonly node: Node;
  readonly index: number;
}

let nodeCount = 0;

/** Applies an operation. @throws {ShapeError} from the operation's shape rule */
export const apply = <A>(
  operation: Operation<A>,
  inputs: readonly Value[],
  attributes: A,
): readonly Value[] => {
  const outputs: Value[] = [];
  const node: Node<A> = { id: nodeCount++, operation, inputs, attributes, outputs };
  operation.infer(inputs, attributes).forEach((signature, index) => {
    outputs.push({ ...signature, node: node as Node, index });
  });
  return outputs;
};

/** Applies an operation that has one output. */
export const applyOne = <A>(operation: Operation<A>, inputs: readonly Value[], attributes: A): Value =>
  apply(operation, inputs, attributes)[0]!;

/** Product of the sizes; 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, n) => product * n, 1);

/** Throws a {@link ShapeError} that names the operation when shapes do not fit. */
export const checkShape = (
  ok: boolean,
  operation: string,
  inputs: readonly Value[],
  expected: string,
): void => {
  if (!ok)
    throw new ShapeError(operation, {
      expected,
      got: inputs.map((v) => `[${v.shape.join(", ")}]`).join(" and "),
    });
};

/** Every node that the outputs depend on, inputs before users. */
export const topologicalOrder = (outputs: readonly Value[]): Node[] => {
  const order: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  const stack: Node[] = outputs.map((value) => value.node).reverse();
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!;
    const seen = state.get(node);
    if (seen === "done") {
      stack.pop();
    } else if (seen === "open") {
      state.set(node, "done");
      order.push(node);
      stack.pop();
    } else {
      state.set(node, "open");
      for (let i = node.inputs.length - 1; i >= 0; i--) {
        const input = node.inputs[i]!.node;
        if (state.get(input) === undefined) stack.push(input);
        else assert(state.get(input) === "done" || input !== node, "a graph has no cycles");
      }
    }
  }
  return order;
};
