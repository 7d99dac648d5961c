import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { evaluateObjective } from "../../src/engine/evaluate-objective.ts";
import { lossRegistry } from "../../src/objectives/losses.ts";
import { preferenceFeeds, sumsOfPairs } from "../../src/training/preference-batches.ts";
import { oracleMissing, runPython } from "./python.ts";

/** Log-probabilities of answers of any lengths, and the rows of each pair's two sides; padding stands behind. */
const cases = Array.from({ length: 12 }, (_, seed) => {
  const random = seededRandom("preference", seed);
  const pairs = 1 + random.integer(4);
  let rows = 0;
  const answer = (): number[] => Array.from({ length: 1 + random.integer(6) }, () => rows++);
  const sides = Array.from({ length: pairs }, () => ({ chosen: answer(), rejected: answer() }));
  rows += random.integer(5);
  const numbers = (): number[] => Array.from({ length: rows }, () => Math.fround(-4 * random.next()));
  return { beta: [0.1, 0.5, 2][seed % 3]!, sides, rows, logprobs: numbers(), reference: numbers() };
});

describe.skipIf(oracleMissing("DPO's loss against PyTorch"))("the preference loss is PyTorch's", () => {
  test("loss, margin and the derivative of every token", async () => {
    const asked = cases.map(({ sides, ...rest }) => ({
      ...rest,
      chosen: sides.map(({ chosen }) => chosen),
      rejected: sides.map(({ rejected }) => rejected),
    }));
    const told = JSON.parse(
      await runPython("plain", "test/oracle/preference_reference.py", [], JSON.stringify(asked)),
    ) as { loss: number; margin: number; gradient: number[] }[];
    expect(told).toHaveLength(cases.length);
    for (const [i, { beta, sides, rows, logprobs, reference }] of cases.entries()) {
      const { value } = await lossRegistry.make("preference", { beta, pairs: 6 });
      const pairs = sides.map((side) => ({ id: "", kind: "answer" as const, ...side }));
      const feeds = preferenceFeeds({ batches: [], pairs, rows }, sumsOfPairs(pairs, reference), 6);
      const signals = {
        shape: { scored: rows, taps: [] },
        outputs: { tokenLogprobs: Float32Array.from(logprobs), states: new Map() },
      };
      const { loss, metrics, cotangents } = await evaluateObjective(value, [signals], feeds);
      // float32 sums of up to 48 numbers below 4.
      expect(loss).toBeCloseTo(told[i]!.loss, 5);
      expect(metrics["margin"]).toBeCloseTo(told[i]!.margin, 5);
      const derived = cotangents[0]!.tokenLogprobs!;
      told[i]!.gradient.forEach((value, m) => {
        expect(derived[m]!).toBeCloseTo(value, 6);
      });
    }
  });
});
