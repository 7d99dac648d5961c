import { expect, test } from "vitest";
import { segmentsBatch } from "../../../src/batch/segments-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { ModelBatch } from "../../../src/engine/contract.ts";
import { OnnxEngine } from "../../../src/engine/onnx/engine.ts";
import type { Objective } from "../../../src/graph/objective.ts";
import { add, negate } from "../../../src/graph/ops/elementwise.ts";
import { mean, sum } from "../../../src/graph/ops/reduce.ts";
import { smallConfig, smallStore } from "./small-model.ts";

const random = seededRandom("tail");
const step = (): Uint8Array => Uint8Array.from({ length: 16 * 1176 }, () => random.integer(256));
const clips = [1, 2].map((seed) => ({
  clip: { rows: 4, columns: 4, secondsPerStep: 0.5, steps: [step(), step()] },
  texts: [{ tokens: [20, 21, 20 + seed, 23], scoredFrom: 1 }],
  contrast: { absentSteps: new Map([[1, step()]]), keywords: [24, 25] },
}));
const tokens = { visionStart: 6, visionEnd: 7, video: 9, endComplete: 3, endAbsent: 4, endText: 5 };

test("what is only contrasted ends at its block: the same loss and gradients as with everything to the end", async () => {
  const contrast = { block: 1, dropout: 0.2, random: seededRandom("dropout") };
  const cut = segmentsBatch(clips, smallConfig, { tokens, contrast });
  const { length, mainLength } = cut.language;
  expect(mainLength).toBeLessThan(length);
  const row = (at: number): number => Math.floor(at / mainLength) * length + (at % mainLength);
  const whole: ModelBatch = {
    language: { ...cut.language, mainLength: length },
    vision: cut.vision,
    feeds: {
      ...cut.feeds,
      "scored.rows": (cut.feeds["scored.rows"] as BigInt64Array).map((at) => BigInt(row(Number(at)))),
    },
  };
  const objective: Objective = {
    key: "both",
    build: ({ tokenLogprobs, state }) => ({
      loss: add(negate(mean(tokenLogprobs)), sum(state(1))),
      metrics: { state: sum(state(1)) },
    }),
  };
  const run = async (batch: ModelBatch): Promise<{ numbers: number[]; gradients: Float32Array[] }> => {
    const store = smallStore("all");
    await using engine = new OnnxEngine(smallConfig, store, undefined, { threads: 1 });
    const { loss, metrics } = await engine.step(batch, objective, {});
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
});
