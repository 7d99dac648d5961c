import { expect, test } from "vitest";
import type { ClipSegments } from "../../../src/batch/segments.ts";
import { segmentsBatch } from "../../../src/batch/segments-batch.ts";
import type { TokenBatch } from "../../../src/batch/token-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { lowerBatch } from "../../../src/engine/onnx/lowering/lower-batch.ts";
import { takeStep } from "../../../src/engine/take-step.ts";
import type { Objective } from "../../../src/graph/objective.ts";
import { add, negate } from "../../../src/graph/ops/elementwise.ts";
import { input } from "../../../src/graph/ops/inputs.ts";
import { mean, sum } from "../../../src/graph/ops/reduce.ts";
import { maskPieces } from "../../../src/model/attention.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import { smallConfig, smallEngine, smallStore } from "./small-model.ts";

const random = seededRandom("tail");
/** Two clips of so many steps of `side` x `side` patches. */
const clipsOf = (count: number, side: number): ClipSegments[] => {
  const step = (): Uint8Array => Uint8Array.from({ length: side * side * 1176 }, () => random.integer(256));
  return [1, 2].map((seed) => ({
    clip: { rows: side, columns: side, secondsPerStep: 0.5, steps: Array.from({ length: count }, step) },
    texts: [{ tokens: [20, 21, 20 + seed, 23], scoredFrom: 1 }],
    contrast: { absentSteps: new Map([[1, step()]]), keywords: [24, 25] },
  }));
};
const tokens = { visionStart: 6, visionEnd: 7, video: 9, endComplete: 3, endAbsent: 4, endText: 5 };

const states = ["complete", "absent", "view", "keywords"].map((group) => ({ block: 1, group }));
const objective: Objective = {
  key: "both",
  states,
  feeds: {},
  additive: false,
  build: ({ tokenLogprobs, state }) => {
    const all = states.map(({ block, group }) => sum(state(block, group))).reduce(add);
    return { loss: add(negate(mean(tokenLogprobs)), all), metrics: { state: all } };
  },
};

test.each([
  { steps: 2, side: 4, encoding: "shared", apart: [] },
  { steps: 3, side: 8, encoding: "shared", apart: [0, 51] },
  // The twin sees the clip, the keywords see both.
  { steps: 3, side: 8, encoding: "packed", apart: [] },
] as const)(
  "what is only contrasted ends at its block, apart: the same loss and gradients as with all together ($encoding, $steps x $side)",
  async ({ steps, side, encoding, apart }) => {
    const clips = clipsOf(steps, side);
    const view = { dropout: 0.2, random: seededRandom("dropout") };
    const { batch: cut } = segmentsBatch(clips, batchRules(smallConfig), { tokens, states, view, encoding });
    const { length, mainLength, tailEnd, sections = [] } = (await lowerBatch(cut, smallConfig)).language;
    expect(sections).toEqual(apart.map((start) => mainLength + start));
    const pieces = maskPieces(input("mask", [2, 1, length, length]), sections);
    expect(pieces.filter(({ from, start }) => from === start && from > 0)).toHaveLength(apart.length);
    expect(mainLength).toBeLessThan(length);
    expect(tailEnd).toBe(1);
    const whole = { ...cut, endBlocks: cut.endBlocks.map(() => 0) };
    const { tailEnd: none, sections: no } = (await lowerBatch(whole, smallConfig)).language;
    expect([none, no]).toEqual([0, undefined]);
    const run = async (batch: TokenBatch): Promise<{ numbers: number[]; gradients: Float32Array[] }> => {
      const store = smallStore("all");
      await using engine = smallEngine(store);
      const { loss, metrics } = await takeStep(engine, [batch], objective, {});
      return {
        numbers: [loss, metrics["state"]!],
        gradients: store.trained().map(({ gradient }) => gradient!),
      };
    };
    const [a, b] = [await run(cut), await run(whole)];
    a.numbers.forEach((value, i) => {
      expect(value).toBeCloseTo(b.numbers[i]!, 4);
    });
    a.gradients.forEach((gradient, i) => {
      const other = b.gradients[i]!;
      const largest = other.reduce((top, x) => Math.max(top, Math.abs(x)), 1e-3);
      gradient.forEach((x, j) => {
        expect(Math.abs(x - other[j]!)).toBeLessThan(2e-5 * largest);
      });
    });
  },
);
