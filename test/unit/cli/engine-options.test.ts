import { expect, test } from "vitest";
import { chosenEngine } from "../../../src/cli/engine-options.ts";

test("who computes goes with how it is computed: nothing that was written is dropped", () => {
  const processes = { ranks: 2, launcher: "torchrun" };
  expect(chosenEngine({ threads: 1, ...processes })).toEqual({ threads: 1, ...processes });
  expect(chosenEngine({ threads: 1, engine: "torch" })).toEqual({ threads: 1, engine: "torch" });
  expect(chosenEngine({ threads: 1, execution: "whole", ...processes })).toEqual({
    threads: 1,
    engine: "onnx:execution=whole",
    ...processes,
  });
  expect(() => chosenEngine({ threads: 1, engine: "torch", execution: "whole" })).toThrow(/beside --engine/);
});
