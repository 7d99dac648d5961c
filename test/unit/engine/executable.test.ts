import { expect, test } from "vitest";
import { EngineError } from "../../../src/core/errors.ts";
import { copylessRunWorks, Executable, tensorOf } from "../../../src/engine/executable.ts";
import { add, mul } from "../../../src/graph/ops/elementwise.ts";
import { input } from "../../../src/graph/ops/inputs.ts";

const graph = () => {
  const x = input("x", [2, 2]);
  const square = mul(x, x);
  return { square, sum: add(square, x), again: square, fed: x };
};
const feed = { x: tensorOf(Float32Array.of(1, 2, 3, -4), [2, 2]) };

test("the pinned runtime leaves results uncopied", async () => {
  expect(await copylessRunWorks()).toBe(true);
});

test.each([true, false])("results are in the given buffers (uncopied: %s)", async (copyless) => {
  const buffer = new Float32Array(4);
  const executable = await Executable.compile(graph(), { threads: 1, copyless }, { sum: buffer });
  try {
    for (let round = 0; round < 3; round++) {
      buffer.fill(Number.NaN);
      await executable.run(feed);
      expect([...buffer]).toEqual([2, 6, 12, 12]);
      expect(executable.output("sum")).toBe(buffer);
      // One value under two names, and an input that is an output.
      expect([...executable.output("square")]).toEqual([1, 4, 9, 16]);
      expect([...executable.output("again")]).toEqual([1, 4, 9, 16]);
      expect([...executable.output("fed")]).toEqual([1, 2, 3, -4]);
    }
    expect(executable.outputNames).toEqual(["square", "sum", "again", "fed"]);
  } finally {
    await executable.release();
  }
});

test("a missing input and a wrong shape are errors of the engine", async () => {
  const executable = await Executable.compile(graph(), { threads: 1 });
  await expect(executable.run({})).rejects.toThrow(new EngineError("input missing", { where: "x" }));
  const wrong = { x: tensorOf(new Float32Array(6), [2, 3]) };
  await expect(executable.run(wrong)).rejects.toThrow(/a graph failed to run/);
  await executable.release();
});

test.each([true, false])(
  "open shapes: arrays of any size, results where the run says (uncopied: %s)",
  async (copyless) => {
    const { square, sum } = graph();
    const executable = await Executable.compile({ square, sum }, { threads: 1, copyless, openShapes: true });
    try {
      for (const size of [1, 5, 100_000]) {
        const x = new Float32Array(size).fill(3);
        const squares = new Float32Array(size);
        const fed = tensorOf(x, [size]);
        // The sum takes the place of x.
        await executable.run({ x: fed }, { square: tensorOf(squares, [size]), sum: fed });
        expect(squares.every((value) => value === 9)).toBe(true);
        expect(x.every((value) => value === 12)).toBe(true);
      }
    } finally {
      await executable.release();
    }
  },
);
