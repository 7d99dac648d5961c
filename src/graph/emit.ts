import { assert } from "../core/errors.ts";
import { ProtobufWriter } from "../core/protobuf.ts";
import { emitFusedSum, fuseSums } from "./fuse.ts";
import {
  type Attribute,
  type DataType,
  type Emitter,
  elementCount,
  topologicalOrder,
  type Value,
} from "./value.ts";

const onnxType: Record<DataType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7 };
const opsetVersion = 21;
const irVersion = 10;

const writeAttribute = (writer: ProtobufWriter, name: string, value: Attribute): void => {
  writer.message(5, (attribute) => {
    attribute.string(1, name);
    if (typeof value === "number") attribute.integer(3, value).integer(20, 2);
    else if (typeof value === "string") attribute.string(4, value).integer(20, 3);
    else if ("float" in value) attribute.float(2, value.float).integer(20, 1);
    else {
      for (const item of value) attribute.integer(8, item);
      attribute.integer(20, 7);
    }
  });
};

const writeValueInfo = (
  writer: ProtobufWriter,
  field: number,
  name: string,
  value: Value,
  openShape: boolean,
): void => {
  writer.message(field, (info) => {
    info.string(1, name);
    info.message(2, (type) =>
      type.message(1, (tensor) => {
        tensor.integer(1, onnxType[value.dtype]);
        if (openShape) return;
        tensor.message(2, (shape) => {
          for (const size of value.shape) shape.message(1, (dimension) => dimension.integer(1, size));
        });
      }),
    );
  });
};

/** A constant whose numbers are in a file of its own name. */
const writeStored = (writer: ProtobufWriter, name: string, value: Value): void => {
  writer.message(5, (tensor) => {
    for (const size of value.shape) tensor.integer(1, size);
    tensor.integer(2, onnxType[value.dtype]).string(8, name);
    const entries = { location: name, offset: "0", length: String(byteLength(value)) };
    for (const [key, text] of Object.entries(entries))
      tensor.message(13, (entry) => entry.string(1, key).string(2, text));
    tensor.integer(14, 1);
  });
};

/** A graph ready to be written: named inputs are found by walking from the named outputs. */
export interface EmittedModel {
  /** The ONNX file. */
  readonly bytes: Uint8Array;
  /** Inputs that the outputs depend on. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Number of ONNX nodes, for reports. */
  readonly nodes: number;
}

/** What is written besides the outputs. */
export interface EmitOptions {
  /** Name of an additional first output, a sequence of one scalar (what for: `engine/onnx`). */
  readonly sequence?: string | undefined;
  /** Inputs that become constants, which the runtime can pack once; their numbers are given as files of their names. */
  readonly stored?: ReadonlySet<string>;
  /** Inputs and outputs are declared without sizes: a graph of elementwise operations then takes arrays of any size. */
  readonly openShapes?: boolean;
}

/** Constants of a graph, each written once. */
class Initializers {
  readonly tensors = new ProtobufWriter();
  /** Of the next name that the writer gives. */
  serial = 0;
  readonly #known = new Map<string, string>();

  /** @returns the constant's name */
  add(type: DataType, shape: readonly number[], bytes: Uint8Array): string {
    const key = `${type}:${shape.join(",")}:${bytes.length <= 256 ? Buffer.from(bytes).toString("hex") : `#${this.serial}`}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = `c${this.serial++}`;
    this.tensors.message(5, (tensor) => {
      for (const size of shape) tensor.integer(1, size);
      tensor.integer(2, onnxType[type]).string(8, name).bytes(9, bytes);
    });
    this.#known.set(key, name);
    return name;
  }

  integers(values: number | readonly number[]): string {
    const list = typeof values === "number" ? [values] : values;
    const data = BigInt64Array.from(list, (value) => BigInt(value));
    return this.add("int64", typeof values === "number" ? [] : [list.length], new Uint8Array(data.buffer));
  }

  floats(values: number | Float32Array, shape?: readonly number[]): string {
    const data = typeof values === "number" ? Float32Array.of(values) : values;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.add("float32", shape ?? (typeof values === "number" ? [] : [data.length]), bytes);
  }
}

/** Declares an output that is a sequence of float32 scalars. */
const writeSequenceInfo = (graph: ProtobufWriter, name: string): void => {
  graph.message(12, (info) => {
    info.string(1, name);
    info.message(2, (type) =>
      type.message(4, (list) =>
        list.message(1, (element) => element.message(1, (tensor) => tensor.integer(1, onnxType.float32))),
      ),
    );
  });
};

/**
 * Writes the graph of the named outputs as an ONNX model. Inputs keep their own names.
 *
 * @throws {InternalError} when two inputs have one name, or one has a name that the writer gives (c0, t0, v0_0)
 */
export const emitModel = (
  outputs: Readonly<Record<string, Value>>,
  { sequence, stored, openShapes = false }: EmitOptions = {},
): EmittedModel => {
  const graph = new ProtobufWriter();
  const initializers = new Initializers();
  const names = new Map<Value, string>();
  const inputs = new Map<string, Value>();
  let nodes = 0;

  const emitter: Emitter = {
    name: (value) => {
      const name = names.get(value);
      assert(name !== undefined, `value of ${value.node.operation.name} was emitted before its users`);
      return name;
    },
    temporary: () => `t${initializers.serial++}`,
    node: (type, from, to, attributes = {}, domain = "") => {
      nodes++;
      graph.message(1, (node) => {
        for (const name of from) node.string(1, name);
        for (const name of to) node.string(2, name);
        node.string(3, `n${nodes}_${type}`).string(4, type);
        for (const [name, value] of Object.entries(attributes)) writeAttribute(node, name, value);
        if (domain !== "") node.string(7, domain);
      });
    },
    integers: (values) => initializers.integers(values),
    floats: (values, shape) => initializers.floats(values, shape),
  };

  // A computed value that is an output has the output's name; other outputs are copies.
  const outputNames = new Map<Value, string>();
  for (const [name, value] of Object.entries(outputs))
    if (value.node.operation.name !== "input" && !outputNames.has(value)) outputNames.set(value, name);
  const order = topologicalOrder(Object.values(outputs));
  const fused = fuseSums(order, Object.values(outputs));
  const inside = new Set([...fused.values()].map(({ product }) => product));
  for (const node of order) {
    node.outputs.forEach((value, index) => {
      names.set(value, outputNames.get(value) ?? `v${node.id}_${index}`);
    });
    const sum = fused.get(node);
    if (node.operation.name === "input") {
      const { name } = node.attributes as { name: string };
      assert(!inputs.has(name), `two inputs are called ${name}`);
      assert(!/^[ctv]\d/.test(name), `input ${name} is called like a value in between`);
      if (stored?.has(name) === true) writeStored(initializers.tensors, name, node.outputs[0]!);
      else inputs.set(name, node.outputs[0]!);
      names.set(node.outputs[0]!, name);
    } else if (sum !== undefined) emitFusedSum(node, sum, emitter);
    else if (!inside.has(node)) node.operation.lower(node, emitter);
  }
  for (const [name, value] of Object.entries(outputs))
    if (outputNames.get(value) !== name) emitter.node("Identity", [emitter.name(value)], [name]);

  const model = new ProtobufWriter();
  model.integer(1, irVersion).string(2, "videoperceiver");
  const body = graph.string(2, "graph");
  for (const [name, value] of inputs) writeValueInfo(body, 11, name, value, openShapes);
  if (sequence !== undefined) {
    emitter.node("SequenceConstruct", [emitter.floats(0)], [sequence]);
    writeSequenceInfo(body, sequence);
  }
  for (const [name, value] of Object.entries(outputs)) writeValueInfo(body, 12, name, value, openShapes);
  body.append(initializers.tensors.finish());
  model.bytes(7, body.finish());
  model.message(8, (opset) => opset.string(1, "").integer(2, opsetVersion));
  model.message(8, (opset) => opset.string(1, "com.microsoft").integer(2, 1));
  return { bytes: model.finish().slice(), inputs, nodes };
};

/** Bytes that a value takes. */
export const byteLength = (value: Value): number => elementCount(value.shape) * bytesOf[value.dtype];

const bytesOf: Record<DataType, number> = { float32: 4, uint8: 1, int32: 4, int64: 8 };
