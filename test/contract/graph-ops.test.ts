import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Random, seededRandom } from "../../src/core/random.ts";
import { Executable, tensorOf } from "../../src/engine/executable.ts";
import { vectorJacobianProduct } from "../../src/graph/differentiate.ts";
import * as broadcast from "../../src/graph/ops/broadcast.ts";
import { cachedAttention } from "../../src/graph/ops/cache.ts";
import * as elementwise from "../../src/graph/ops/elementwise.ts";
import * as inputs from "../../src/graph/ops/inputs.ts";
import * as layout from "../../src/graph/ops/layout.ts";
import { linear, matmul } from "../../src/graph/ops/matmul.ts";
import * as normalize from "../../src/graph/ops/normalize.ts";
import { linearInt8, quantizedBlock } from "../../src/graph/ops/quantized.ts";
import * as reduce from "../../src/graph/ops/reduce.ts";
import { rotary } from "../../src/graph/ops/rotary.ts";
import * as rows from "../../src/graph/ops/rows.ts";
import { type DataType, elementCount, topologicalOrder, type Value } from "../../src/graph/value.ts";
import { interpret } from "../interpret.ts";

/** Declares inputs of a random graph and keeps the numbers that they are fed. */
class Sample {
  readonly feeds: Record<string, number[]> = {};
  readonly values: Record<string, Value> = {};
  readonly differentiable: string[] = [];
  readonly random: Random;
  constructor(random: Random) {
    this.random = random;
  }
  /** 1 to `most`. */
  size(most = 4): number {
    return 1 + this.random.integer(most);
  }
  #declare(shape: readonly number[], draw: () => number, dtype: DataType): Value {
    const name = `x${Object.keys(this.feeds).length}`;
    this.feeds[name] = Array.from({ length: elementCount(shape) }, () =>
      dtype === "float32" ? Math.fround(draw()) : draw(),
    );
    this.values[name] = inputs.input(name, shape, dtype);
    return this.values[name];
  }
  /** Numbers of both signs; `apart` keeps them away from 0, where some functions bend. */
  real(shape: readonly number[], apart = 0): Value {
    const value = this.#declare(
      shape,
      () => {
        const x = this.random.normal();
        return x + Math.sign(x) * apart;
      },
      "float32",
    );
    this.differentiable.push(Object.keys(this.feeds).at(-1)!);
    return value;
  }
  positive(shape: readonly number[]): Value {
    const value = this.#declare(shape, () => 0.3 + this.random.next(), "float32");
    this.differentiable.push(Object.keys(this.feeds).at(-1)!);
    return value;
  }
  /** Numbers that are not differentiated. */
  fixed(shape: readonly number[]): Value {
    return this.#declare(shape, () => this.random.normal(), "float32");
  }
  integers(
    shape: readonly number[],
    draw: () => number,
    dtype: Exclude<DataType, "float32"> = "int64",
  ): Value {
    return this.#declare(shape, draw, dtype);
  }
}

/** Two shapes that broadcast. */
const broadcasting = (s: Sample): [number[], number[]] => {
  const shape = [s.size(), s.size(), s.size()];
  const cut = shape.map((n) => (s.random.next() < 0.4 ? 1 : n));
  return s.random.next() < 0.3 ? [shape, cut.slice(1)] : [shape, cut];
};
const binary =
  (apply: (a: Value, b: Value) => Value, positive = false) =>
  (s: Sample): Value[] => {
    const [a, b] = broadcasting(s);
    const right = positive ? s.positive(b) : s.real(b);
    return [apply(s.real(a), right), apply(right, s.positive(a))];
  };
const unary =
  (apply: (x: Value) => Value, positive = false) =>
  (s: Sample): Value[] => {
    const shape = [s.size(), s.size()];
    return [apply(positive ? s.positive(shape) : s.real(shape, 0.1))];
  };

/** One random graph a primitive (or a composition whose parts are primitives). */
const cases: Record<string, (s: Sample) => Value[]> = {
  add: binary(elementwise.add),
  sub: binary(elementwise.sub),
  mul: binary(elementwise.mul),
  div: (s) => {
    const [a, b] = broadcasting(s);
    return [elementwise.div(s.real(a), s.positive(b))];
  },
  minimum: binary(elementwise.minimum),
  lessOrEqual: (s) => [elementwise.mul(s.real([3]), elementwise.lessOrEqual(s.fixed([3]), s.fixed([3])))],
  negate: unary(elementwise.negate),
  exp: unary(elementwise.exp),
  log: unary(elementwise.log, true),
  sqrt: unary(elementwise.sqrt, true),
  sigmoid: unary(elementwise.sigmoid),
  silu: unary(elementwise.silu),
  erf: unary(elementwise.erf),
  gelu: unary(elementwise.gelu),
  scale: unary((x) => elementwise.scale(x, -1.7)),
  addScalar: unary((x) => elementwise.mul(x, elementwise.addScalar(x, 0.4))),
  oneMinus: unary((x) => elementwise.mul(x, elementwise.oneMinus(x))),
  clip: unary((x) => elementwise.clip(x, -0.6, 0.9)),
  swiglu: (s) => {
    const shape = [s.size(), s.size()];
    return [elementwise.swiglu(s.real(shape), s.real(shape))];
  },
  reshape: (s) => {
    const [a, b] = [s.size(), s.size()];
    return [broadcast.reshape(s.real([a, b, 2]), [b, 2 * a])];
  },
  broadcastTo: (s) => {
    const [a, b] = broadcasting(s);
    return [broadcast.broadcastTo(s.real(b), a)];
  },
  sumKeep: (s) => [broadcast.sumKeep(s.real([s.size(), s.size(), s.size()]), [0, 2])],
  maxKeep: (s) => [elementwise.mul(broadcast.maxKeep(s.fixed([2, 3]), [1]), s.real([2, 1]))],
  sum: (s) => [reduce.sum(s.real([s.size(), s.size()]), [1])],
  mean: (s) => [reduce.mean(s.real([s.size(), s.size()]))],
  logSumExp: (s) => [reduce.logSumExp(s.real([s.size(), s.size()]))],
  rowDot: (s) => {
    const shape = [s.size(), s.size()];
    return [reduce.rowDot(s.real(shape), s.real(shape))];
  },
  filled: (s) => [elementwise.mul(s.real([2, 2]), inputs.filled([2, 2], 1.5))],
  constant: (s) => [elementwise.mul(s.real([2]), inputs.constant(Float32Array.of(0.5, -2), [2]))],
  stopGradient: (s) => {
    const x = s.fixed([3]);
    return [elementwise.mul(s.real([3]), inputs.stopGradient(x))];
  },
  transpose: (s) => [
    layout.transpose(s.real([s.size(), s.size(), s.size(), 2]), s.random.shuffled([0, 1, 2, 3])),
  ],
  split: (s) => {
    const sizes = [s.size(), s.size(), s.size()];
    const axis = s.random.integer(2);
    const total = sizes.reduce((a, b) => a + b, 0);
    const pieces = layout.split(s.real([s.size(), s.size()].toSpliced(axis, 1, total)), axis, sizes);
    // The middle piece is not read: its cotangent is zero.
    return [pieces[0]!, pieces[2]!];
  },
  slice: (s) => {
    const start = s.random.integer(3);
    const end = start + s.size(3);
    return [layout.slice(s.real([s.size(), end + s.random.integer(3), 2]), 1, start, end)];
  },
  concat: (s) => {
    const width = s.size();
    return [layout.concat([s.real([s.size(), width]), s.real([s.size(), width])], 0)];
  },
  matmul: (s) => {
    const [b, m, k, n] = [s.size(), s.size(), s.size(), s.size()];
    const [transposeA, transposeB] = [s.random.next() < 0.5, s.random.next() < 0.5];
    const options = { transposeA, transposeB, alpha: s.random.next() < 0.5 ? 1 : 0.7 };
    const lead = s.random.next() < 0.5 ? [] : [b, 2];
    const left = s.real([...lead, ...(transposeA ? [k, m] : [m, k])]);
    return [matmul(left, s.real([...lead, ...(transposeB ? [n, k] : [k, n])]), options)];
  },
  linear: (s) => {
    const [n, width, out] = [s.size(), s.size(), s.size()];
    // A bias and a residual, which are added inside the product, and a product that two read.
    const once = elementwise.add(linear(s.real([n, width]), s.real([out, width])), s.real([out]));
    const product = linear(once, s.real([out, out]));
    return [elementwise.add(product, once), elementwise.mul(product, product)];
  },
  rmsNorm: (s) => {
    const [n, d] = [s.size(), s.size() + 1];
    return [normalize.rmsNorm(s.real([n, d]), s.real([d]), 1e-6)];
  },
  softmax: (s) => [normalize.softmax(s.real([s.size(), s.size(), s.size()]))],
  softmaxMix: (s) => {
    const [b, r, l, d] = [s.size(), s.size(), s.size(), s.size()];
    return [normalize.softmaxMix(s.real([b, 2, r, l]), s.real([b, 2, l, d]))];
  },
  unitRows: (s) => [normalize.unitRows(s.real([s.size(), s.size() + 1]))],
  tokenLogprob: (s) => {
    const [n, v] = [s.size(), s.size() + 1];
    return [
      normalize.tokenLogprob(
        s.real([n, v]),
        s.integers([n], () => s.random.integer(v)),
      ),
    ];
  },
  rotary: (s) => {
    const [n, half, heads] = [s.size(), s.size(), s.size(3)];
    return [rotary(s.real([n, heads * 2 * half]), s.fixed([n, half]), s.fixed([n, half]))];
  },
  gatherRows: (s) => {
    const n = s.size();
    const indices = s.integers([s.size() + 2], () => s.random.integer(n));
    return [rows.gatherRows(s.real([n, s.size()]), indices)];
  },
  scatterAddRows: (s) => {
    const [n, m, d] = [s.size(), s.size(), s.size()];
    const indices = s.integers([m], () => s.random.integer(n));
    return [rows.scatterAddRows([n, d], indices, s.real([m, d]))];
  },
  permuteRows: (s) => {
    const n = s.size();
    const order = s.random.shuffled(Array.from({ length: n }, (_, i) => i));
    const next = order[Symbol.iterator]();
    const forth = s.integers([n], () => next.next().value!);
    const inverse = order.map((_, i) => order.indexOf(i))[Symbol.iterator]();
    const back = s.integers([n], () => inverse.next().value!);
    return [rows.permuteRows(s.real([n, 3]), forth, back)];
  },
  linearInt8: (s) => {
    const [n, width, out] = [s.size(), 8 * s.size(9), s.size()];
    const blocks = Math.ceil(width / quantizedBlock);
    const bytes = s.integers([out, blocks, quantizedBlock], () => s.random.integer(256), "uint8");
    // The numbers behind the end of a row must not count, whatever they are multiplied with.
    return [linearInt8(s.fixed([n, width]), bytes, s.fixed([out * blocks]), "float32")];
  },
  cachedAttention: (s) => {
    const [b, kvHeads, share, half, capacity] = [s.size(3), s.size(2), s.size(2), s.size(12), 4 + s.size()];
    const [heads, size] = [kvHeads * share, 2 * half];
    const lasts = Array.from({ length: b }, () => s.random.integer(capacity));
    const next = lasts[Symbol.iterator]();
    const cache = [b, kvHeads, capacity, size];
    const [mixed] = cachedAttention(
      {
        query: s.fixed([b, heads * size]),
        key: s.fixed([b, kvHeads * size]),
        value: s.fixed([b, kvHeads * size]),
        pastKey: s.fixed(cache),
        pastValue: s.fixed(cache),
        last: s.integers([b], () => next.next().value!, "int32"),
        total: s.integers([1], () => Math.max(...lasts) + 1, "int32"),
      },
      heads,
      kvHeads,
    );
    return [mixed!];
  },
};

const seen = new Set<string>();

/** Runs named values in ONNX Runtime. */
const run = async (
  outputs: Readonly<Record<string, Value>>,
  s: Sample,
): Promise<(name: string) => number[]> => {
  const executable = await Executable.compile(outputs, { threads: 1 });
  const feeds = Object.fromEntries(
    [...executable.inputs].map(([name, { shape, dtype }]) => {
      const numbers = s.feeds[name]!;
      if (dtype === "float32") return [name, tensorOf(Float32Array.from(numbers), shape)];
      if (dtype === "uint8") return [name, tensorOf(Uint8Array.from(numbers), shape)];
      const array = dtype === "int64" ? BigInt64Array.from(numbers, BigInt) : Int32Array.from(numbers);
      return [name, tensorOf(array, shape)];
    }),
  );
  await executable.run(feeds);
  const results = new Map(
    Object.keys(outputs).map((name) => [name, Array.from(executable.output(name), Number)]),
  );
  await executable.release();
  return (name) => results.get(name)!;
};

const closeTo = (got: readonly number[], expected: ArrayLike<number>, tolerance: number): void => {
  expect(got.length).toBe(expected.length);
  const largest = Math.max(1, ...Array.from(expected, Math.abs));
  got.forEach((x, i) => {
    expect(Math.abs(x - expected[i]!), `at ${i}`).toBeLessThanOrEqual(tolerance * largest);
  });
};

const check = async (build: (s: Sample) => Value[], seed: number): Promise<void> => {
  const s = new Sample(seededRandom("graph", seed));
  const outputs = build(s);
  const seeds = outputs.map((output) => ({ output, cotangent: s.fixed(output.shape) }));
  const names = s.differentiable;
  const gradients = vectorJacobianProduct(
    seeds,
    names.map((name) => s.values[name]!),
  );
  const named: Record<string, Value> = {};
  outputs.forEach((output, i) => {
    named[`out${i}`] = output;
  });
  names.forEach((name, i) => {
    if (gradients[i] !== undefined) named[`d${name}`] = gradients[i];
  });
  for (const node of topologicalOrder(Object.values(named))) seen.add(node.operation.name);
  const keys = Object.keys(named);
  const reference = interpret(Object.values(named), s.feeds);
  const computed = await run(named, s);
  // float32 against float64: a few roundings of numbers around 1.
  keys.forEach((key, i) => {
    closeTo(computed(key), reference[i]!.data, 2e-5);
  });

  const total = (feeds: Record<string, number[]>): number =>
    interpret(outputs, feeds).reduce((sum, { data }, i) => {
      const cotangent = feeds[(seeds[i]!.cotangent.node.attributes as { name: string }).name]!;
      return sum + data.reduce((inner, x, j) => inner + x * cotangent[j]!, 0);
    }, 0);
  const step = 1e-6;
  for (const name of names) {
    const gradient = reference[keys.indexOf(`d${name}`)];
    const at = s.random.integer(s.feeds[name]!.length);
    const moved = (by: number): number =>
      total({ ...s.feeds, [name]: s.feeds[name]!.with(at, s.feeds[name]![at]! + by) });
    const slope = (moved(step) - moved(-step)) / (2 * step);
    // Central differences in float64: error about step^2 plus rounding over step.
    expect(Math.abs(slope - (gradient?.data[at] ?? 0)), `${name}[${at}]`).toBeLessThan(
      1e-6 * (1 + Math.abs(slope)) * 10,
    );
  }
};

describe("every operation of the graph: ONNX Runtime, float64 interpreter and finite differences agree", () => {
  test.each(Object.keys(cases))("%s", async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e9 }), (seed) => check(cases[name]!, seed)),
      { numRuns: 20 },
    );
  });

  test("no operation is without a case", () => {
    // Found in the sources, so that a new operation without a case fails here.
    const folder = fileURLToPath(new URL("../../src/graph/ops/", import.meta.url));
    const declared = readdirSync(folder).flatMap((file) =>
      [
        ...readFileSync(folder + file, "utf8").matchAll(
          /(?:name: |binary\(\s*|unary\(\s*|reduction\(\s*)"(\w+)"/g,
        ),
      ].map((match) => match[1]!),
    );
    expect(declared.length).toBeGreaterThan(30);
    expect(declared.filter((name) => !seen.has(name))).toEqual([]);
  });
});
