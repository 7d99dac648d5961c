import fc from "fast-check";
import { expect, test } from "vitest";
import { adamW } from "../../../src/engine/adamw.ts";
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
