import { InferenceSession, Tensor } from "onnxruntime-node";
import { assert, EngineError, messageOf } from "../core/errors.ts";
import { emitModel } from "../graph/emit.ts";
import { scale } from "../graph/ops/elementwise.ts";
import { input } from "../graph/ops/inputs.ts";
import { type DataType, elementCount, type Value } from "../graph/value.ts";
import type { FeedArray } from "./contract.ts";

/** Options of a compiled graph. */
export interface ExecutableOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** "disabled" (default) trusts the emitted graph; "extended" fuses, for graphs that are run many times. */
  readonly optimize?: "disabled" | "basic" | "extended" | "all";
  /** Numbers of inputs that never change while the graph lives: constants, which the runtime packs once. */
  readonly stored?: ReadonlyMap<string, FeedArray>;
  /** Sizes of the graph are examples: every run names its own results (see {@link Executable.run}). */
  readonly openShapes?: boolean;
  /** Whether results stay uncopied; default: what {@link copylessRunWorks} finds out. */
  readonly copyless?: boolean;
  /**
   * How long idle threads wait actively for the next operator, in microseconds; default 50. Longer saves waking them in a
   * large graph, and takes the processors away from other sessions.
   */
  readonly spinMicroseconds?: number;
}

/** Name of the extra output that ends a run before its results are copied (see {@link Executable.run}). */
const stopName = "videoperceiver.stop";

/** With this environment variable the runtime writes a profile of every graph, to files that begin with its value. */
const profilePrefix = process.env["VIDEOPERCEIVER_PROFILE"];

/** True for what the runtime's JavaScript layer throws when it meets the sequence. */
const isStop = (error: unknown): boolean => /non.?tensor/i.test(messageOf(error));

/** A feed that stays the same between runs: the runtime reads its memory where it is. */
export const tensorOf = (data: FeedArray, shape: readonly number[]): Tensor => {
  if (data instanceof Float32Array) return new Tensor("float32", data, shape);
  if (data instanceof Int32Array) return new Tensor("int32", data, shape);
  if (data instanceof Uint8Array) return new Tensor("uint8", data, shape);
  return new Tensor("int64", data, shape);
};

/** Constants as the files that the graph names. */
const filesOf = (stored: ReadonlyMap<string, FeedArray>): { path: string; data: Uint8Array }[] =>
  [...stored].map(([path, array]) => ({
    path,
    data: new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  }));

const empty = (dtype: DataType, size: number): FeedArray => {
  if (dtype === "float32") return new Float32Array(size);
  if (dtype === "uint8") return new Uint8Array(size);
  return dtype === "int64" ? new BigInt64Array(size) : new Int32Array(size);
};

/**
 * A graph compiled for ONNX Runtime with its output buffers.
 *
 * Owns one session; `release()` frees it. Outputs are written in place into buffers that the caller gave or that are
 * allocated once, so a result is valid until the next run.
 */
export class Executable {
  readonly #session: InferenceSession;
  readonly #inputs: ReadonlyMap<string, Value>;
  readonly #outputs: Record<string, Tensor>;
  readonly #buffers: Readonly<Record<string, FeedArray>>;
  readonly #copyless: boolean;
  /** Number of ONNX nodes. */
  readonly nodes: number;

  private constructor(
    session: InferenceSession,
    inputs: ReadonlyMap<string, Value>,
    outputs: Record<string, Tensor>,
    buffers: Readonly<Record<string, FeedArray>>,
    nodes: number,
    copyless: boolean,
  ) {
    this.#session = session;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#buffers = buffers;
    this.nodes = nodes;
    this.#copyless = copyless;
  }

  /**
   * Compiles the graph of the named outputs.
   *
   * @param buffers where to write an output (its memory is used as it is); the others are allocated here
   * @throws {EngineError} when the runtime refuses the graph
   */
  static async compile(
    outputs: Readonly<Record<string, Value>>,
    options: ExecutableOptions,
    buffers: Readonly<Record<string, FeedArray>> = {},
  ): Promise<Executable> {
    const copyless = options.copyless ?? (await copylessRunWorks());
    const model = emitModel(outputs, {
      sequence: copyless ? stopName : undefined,
      stored: new Set(options.stored?.keys()),
      openShapes: options.openShapes === true,
    });
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(model.bytes, {
        executionProviders: ["cpu"],
        graphOptimizationLevel: options.optimize ?? "disabled",
        executionMode: "sequential",
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        // A planned block would come on top of what the first run took: 1.44 GB instead of 0.88, and 2 % faster.
        enableMemPattern: false,
        logSeverityLevel: 3,
        ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
        ...(options.stored === undefined ? {} : { externalData: filesOf(options.stored) }),
        extra: { session: { intra_op: { spin_duration_us: String(options.spinMicroseconds ?? 50) } } },
      });
    } catch (error) {
      throw new EngineError("the runtime refused a graph", { got: messageOf(error), cause: error });
    }
    const arrays: Record<string, FeedArray> = {};
    const tensors: Record<string, Tensor> = {};
    for (const [name, value] of options.openShapes === true ? [] : Object.entries(outputs)) {
      const buffer = buffers[name] ?? empty(value.dtype, elementCount(value.shape));
      assert(buffer.length === elementCount(value.shape), `buffer of output ${name} has the wrong size`);
      arrays[name] = buffer;
      tensors[name] = tensorOf(buffer, value.shape);
    }
    return new Executable(session, model.inputs, tensors, arrays, model.nodes, copyless);
  }

  /** Names and signatures of what has to be fed. */
  get inputs(): ReadonlyMap<string, Value> {
    return this.#inputs;
  }

  get outputNames(): readonly string[] {
    return Object.keys(this.#buffers);
  }

  /** The memory of an output, overwritten by each run. */
  output(name: string): FeedArray {
    const buffer = this.#buffers[name];
    assert(buffer !== undefined, `no output ${name}`);
    return buffer;
  }

  /**
   * Runs the graph; results are in {@link output}.
   *
   * ONNX Runtime's JavaScript layer copies every output once more after it was written in place. The first output of
   * the graph is a sequence, which that layer cannot convert: it throws after the graph has run and before anything
   * is copied (64 MB: 44 ms to 4.5 ms). Where the runtime behaves otherwise (`copylessRunWorks` tries it once) there
   * is no such output.
   *
   * @param results where to write, one tensor an output; default: the buffers of {@link output}. May be memory that is
   * also fed when every operation reads an element before the result's element is written.
   * @throws {EngineError} when an input is missing or the runtime fails
   */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    results: Readonly<Record<string, Tensor>> = this.#outputs,
  ): Promise<void> {
    const given: Record<string, Tensor> = {};
    for (const name of this.#inputs.keys()) {
      const tensor = feeds[name];
      if (tensor === undefined) throw new EngineError("input missing", { where: name });
      given[name] = tensor;
    }
    try {
      await this.#session.run(given, this.#copyless ? { [stopName]: null, ...results } : results);
    } catch (error) {
      if (this.#copyless && isStop(error)) return;
      throw new EngineError("a graph failed to run", { got: messageOf(error), cause: error });
    }
  }

  /** Frees the session. */
  async release(): Promise<void> {
    if (profilePrefix !== undefined) this.#session.endProfiling();
    await this.#session.release();
  }
}

let copylessRun: Promise<boolean> | undefined;

/** Tries a run that ends at the sequence: it must say so, and the result must be in the buffer that was given. */
const tryCopylessRun = async (): Promise<boolean> => {
  const size = 3;
  const [x, y] = [Float32Array.of(1, -2, 3), new Float32Array(size).fill(Number.NaN)];
  const model = emitModel({ y: scale(input("x", [size]), 2) }, { sequence: stopName });
  const session = await InferenceSession.create(model.bytes, {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
  });
  try {
    await session.run({ x: tensorOf(x, [size]) }, { [stopName]: null, y: tensorOf(y, [size]) });
    return false;
  } catch (error) {
    return isStop(error) && y.every((value, i) => value === 2 * x[i]!);
  } finally {
    await session.release();
  }
};

/** Whether this version of the runtime leaves results uncopied (see {@link Executable.run}); tried once a process. */
export const copylessRunWorks = (): Promise<boolean> => {
  copylessRun ??= tryCopylessRun();
  return copylessRun;
};
