import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { adamW } from "../../../src/engine/adamw.ts";
import { OnnxAdamW } from "../../../src/engine/onnx/adamw.ts";
import { ParameterStore } from "../../../src/engine/parameter-store.ts";

const options = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradientNorm: 1,
};

/** Loshchilov and Hutter 2019, algorithm 2, in float64. */
const reference = (
  w: number[],
  gradients: readonly number[][],
  norms: readonly number[],
  decays: boolean,
): number[] => {
  const m = w.map(() => 0);
  const v = w.map(() => 0);
  gradients.forEach((gradient, t) => {
    const scale = norms[t]! > options.maxGradientNorm ? options.maxGradientNorm / norms[t]! : 1;
    w.forEach((weight, i) => {
      const g = gradient[i]! * scale;
      m[i] = options.beta1 * m[i]! + (1 - options.beta1) * g;
      v[i] = options.beta2 * v[i]! + (1 - options.beta2) * g * g;
      const first = m[i]! / (1 - options.beta1 ** (t + 1));
      const second = v[i]! / (1 - options.beta2 ** (t + 1));
      const decay = decays ? options.weightDecay * weight : 0;
      w[i] = weight - options.learningRate * (first / (Math.sqrt(second) + options.epsilon) + decay);
    });
  });
  return w;
};

const parameter = (name: string, shape: readonly number[]) => ({
  name,
  shape,
  parts: [{ name, shape }],
  part: "language" as const,
});

test("agrees with the plain algorithm; vectors do not decay, frozen parameters stay", () => {
  const numbers = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(
      numbers,
      numbers,
      fc.array(fc.tuple(numbers, numbers), { minLength: 1, maxLength: 4 }),
      (a, b, steps) => {
        const store = new ParameterStore(
          [parameter("matrix", [7, 1]), parameter("vector", [7]), parameter("frozen", [7, 1])],
          ({ name }) => name !== "frozen",
        );
        const [matrix, vector, frozen] = store.all();
        matrix!.value.set(a);
        vector!.value.set(b);
        frozen!.value.set(a);
        const norms = steps.map(([first, second]) => {
          matrix!.gradient!.set(first);
          vector!.gradient!.set(second);
          const norm = adamW(store, options);
          expect(norm).toBeCloseTo(Math.hypot(...first, ...second), 4);
          return Math.hypot(...first, ...second);
        });
        const expected = [
          ...reference(
            [...a],
            steps.map(([first]) => first),
            norms,
            true,
          ),
          ...reference(
            [...b],
            steps.map(([, second]) => second),
            norms,
            false,
          ),
        ];
        [...matrix!.value, ...vector!.value].forEach((value, i) => {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-6 * Math.max(1, Math.abs(expected[i]!)));
        });
        expect([...frozen!.value]).toEqual([...Float32Array.from(a)]);
        expect(store.updates).toBe(steps.length);
      },
    ),
    { numRuns: 200 },
  );
});

test("without a limit gradients are not scaled down", () => {
  const store = new ParameterStore([parameter("x", [2, 1])], () => true);
  const [x] = store.all();
  x!.gradient!.set([300, -400]);
  expect(adamW(store, { ...options, maxGradientNorm: 0 })).toBeCloseTo(500, 3);
  expect(x!.firstMoment![0]).toBeCloseTo(30, 4);
});

test("in the runtime: the same update as in TypeScript, to rounding, also where pieces end and decay changes", async () => {
  const shapes = { pieces: [3, 200_001], exact: [1, 1 << 19], small: [5, 7], vector: [140_000] };
  const make = (): ParameterStore => {
    const random = seededRandom("adamw");
    const store = new ParameterStore(
      Object.entries(shapes).map(([name, shape]) => parameter(name, shape)),
      () => true,
    );
    for (const { value } of store.all()) for (let i = 0; i < value.length; i++) value[i] = random.normal();
    return store;
  };
  const [plain, inRuntime] = [make(), make()];
  const random = seededRandom("gradients");
  const optimizer = new OnnxAdamW(2);
  try {
    for (const changed of [
      {},
      { learningRate: 3e-3 },
      { beta1: 0.8, maxGradientNorm: 0 },
      { learningRate: 0 },
      { groups: [{ name: "own", pattern: "^(pieces|vector)$", learningRateFactor: 0.3, weightDecay: 0 }] },
    ]) {
      plain.all().forEach(({ gradient }, at) => {
        for (let i = 0; i < gradient!.length; i++) gradient![i] = random.normal();
        inRuntime.all()[at]!.gradient!.set(gradient!);
      });
      const given = { ...options, ...changed };
      const norm = adamW(plain, given);
      expect(Math.abs((await optimizer.update(inRuntime, given)).norm / norm - 1)).toBeLessThan(1e-6);
    }
  } finally {
    await optimizer.release();
  }
  expect(inRuntime.updates).toBe(5);
  for (const what of ["value", "firstMoment", "secondMoment"] as const)
    plain.all().forEach((expected, at) => {
      const got = inRuntime.all()[at]![what]!;
      // Each update rounds a few times; values and moments are of the order of 1 or smaller.
      const worst = expected[what]!.reduce((most, x, i) => Math.max(most, Math.abs(x - got[i]!)), 0);
      expect(worst).toBeLessThan(2e-6);
    });
});

test("in the runtime: gradients whose squares float32 cannot hold have a norm all the same, and are clipped", async () => {
  const store = new ParameterStore([parameter("large", [1, 1 << 19])], () => true);
  const { value, gradient } = store.get("large");
  gradient!.fill(1e25);
  const optimizer = new OnnxAdamW(2);
  try {
    const { norm } = await optimizer.update(store, options);
    expect(norm / (1e25 * Math.sqrt(1 << 19))).toBeCloseTo(1, 6);
  } finally {
    await optimizer.release();
  }
  // The first update of AdamW is the learning rate in every element.
  expect(value[7]).toBeCloseTo(-options.learningRate, 4);
});

const groups = [
  { name: "first", pattern: "^a", learningRateFactor: 0.5, weightDecay: 0 },
  { name: "second", pattern: "a|b", learningRateFactor: 0 },
];
const threeParts = (): ParameterStore => {
  const store = new ParameterStore(
    ["a.weight", "b.weight", "c.weight"].map((name) => parameter(name, [2, 1])),
    () => true,
  );
  for (const { value, gradient } of store.all()) {
    value.set([1, 2]);
    gradient!.set([3, 4]);
  }
  return store;
};

test("groups have a rate and a decay of their own, the first that matches; norms are told by group and part", async () => {
  const [one, alone] = [threeParts(), threeParts()];
  const optimizer = new OnnxAdamW(1);
  try {
    const { norm, norms } = await optimizer.update(one, { ...options, groups });
    expect(norm).toBeCloseTo(Math.sqrt(75), 6);
    expect(norms).toEqual({ first: 5, second: 5, language: 5 });
  } finally {
    await optimizer.release();
  }
  adamW(alone, { ...options, learningRate: options.learningRate / 2, weightDecay: 0 });
  expect(one.get("a.weight").value).toEqual(alone.get("a.weight").value);
  expect([...one.get("b.weight").value]).toEqual([1, 2]);
  const whole = threeParts();
  adamW(whole, options);
  expect(one.get("c.weight").value).toEqual(whole.get("c.weight").value);
  expect(() =>
    adamW(threeParts(), { ...options, groups: [...groups, { name: "late", pattern: "b" }] }),
  ).toThrow(/group without parameters: late.*3 trained parameters.*got b/);
  expect(() => adamW(threeParts(), { ...options, groups: [{ name: "open", pattern: "(" }] })).toThrow(
    /pattern of a parameter group: open/,
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])(
  "a gradient of %d changes nothing, moments included",
  async (bad) => {
    const optimizer = new OnnxAdamW(1);
    try {
      for (const update of [adamW, (store: ParameterStore) => optimizer.update(store, options)]) {
        const store = threeParts();
        store.get("b.weight").gradient![1] = bad;
        const got = await update(store, options);
        expect(Number.isFinite(typeof got === "number" ? got : got.norm)).toBe(false);
        expect(store.updates).toBe(0);
        for (const { value, firstMoment } of store.all())
          expect([...value, ...firstMoment!]).toEqual([1, 2, 0, 0]);
      }
    } finally {
      await optimizer.release();
    }
  },
);
