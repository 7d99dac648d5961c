import { expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { emptyStore } from "../../../src/engine/model-store.ts";
import { initialize } from "../../../src/model/initialize.ts";
import { tinyConfig } from "../training/tiny.ts";

const filled = (seed: number): ReturnType<typeof emptyStore> => {
  const store = emptyStore(tinyConfig(), "all");
  initialize(store.all(), seededRandom(seed), 0.7);
  return store;
};

test("norms are 1, biases 0, matrices normal with std gain / sqrt(inputs)", () => {
  const store = filled(1);
  for (const { name, shape, value } of store.all()) {
    if (shape.length === 1) expect([...new Set(value)], name).toEqual([name.endsWith("bias") ? 0 : 1]);
    else {
      const std = Math.sqrt(value.reduce((sum, x) => sum + x * x, 0) / value.length);
      const expected = 0.7 / Math.sqrt(shape[1]!);
      // Four standard errors of a standard deviation.
      expect(Math.abs(std / expected - 1), name).toBeLessThan(4 / Math.sqrt(2 * value.length));
    }
  }
});

test("a parameter's numbers depend on the seed and on its own name only", () => {
  const [first, again, other] = [filled(1), filled(1), filled(2)];
  const alone = emptyStore(tinyConfig(1), "all");
  initialize(alone.all(), seededRandom(1), 0.7);
  for (const { name, shape, value } of first.all()) {
    expect(again.get(name).value).toEqual(value);
    if (shape.length > 1) expect(other.get(name).value).not.toEqual(value);
    if (alone.has(name)) expect(alone.get(name).value).toEqual(value);
  }
});

test("an adapter's B starts at 0, its A does not", () => {
  const parameter = (name: string): { name: string; shape: number[]; value: Float32Array } => ({
    name,
    shape: [4, 8],
    value: new Float32Array(32).fill(9),
  });
  const [a, b] = [parameter("x.lora_A.weight"), parameter("x.lora_B.weight")];
  initialize([a, b], seededRandom(1));
  expect([...new Set(b.value)]).toEqual([0]);
  expect(a.value.every((x) => x !== 0 && x !== 9)).toBe(true);
});
