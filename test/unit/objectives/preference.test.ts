import { expect, test } from "vitest";
import { evaluateObjective } from "../../../src/engine/evaluate-objective.ts";
import { lossRegistry } from "../../../src/objectives/losses.ts";
import { type PairLogprobs, preferenceFeeds } from "../../../src/training/preference-batches.ts";

/** Two answers of a pair at rows 0, 1 and 2; row 3 is padding. */
const pair = { id: "one", kind: "answer", chosen: [0, 1], rejected: [2] } as const;

const evaluated = async (
  logprobs: readonly number[],
  reference: PairLogprobs,
): Promise<Awaited<ReturnType<typeof evaluateObjective>>> => {
  const { value } = await lossRegistry.make("preference", { beta: 0.5, pairs: 3 });
  const outputs = { tokenLogprobs: Float32Array.from(logprobs), states: new Map() };
  const feeds = preferenceFeeds({ batches: [], pairs: [pair], rows: 4 }, [reference], 3);
  return evaluateObjective(value, [{ shape: { scored: 4, taps: [] }, outputs }], feeds);
};

test("at the reference the loss is ln 2, no pair is won, and the two sides pull equally", async () => {
  const { loss, metrics, cotangents } = await evaluated([-1, -2, -4, -9], { chosen: -3, rejected: -4 });
  expect(loss).toBeCloseTo(Math.LN2, 6);
  expect(metrics["margin"]).toBe(0);
  expect(metrics["accuracy"]).toBe(0);
  // d loss / d log pi = -+ beta sigmoid(-margin), of every token of the answer.
  expect([...cotangents[0]!.tokenLogprobs!]).toEqual([-0.25, -0.25, 0.25, 0]);
});

test("rewards are beta times the gain on the reference, the loss log(1 + e^-margin)", async () => {
  const { loss, metrics } = await evaluated([-1, -1, -6, -9], { chosen: -3, rejected: -4 });
  expect(metrics).toMatchObject({ rewardChosen: 0.5, rewardRejected: -1, margin: 1.5, accuracy: 1 });
  expect(loss).toBeCloseTo(Math.log1p(Math.exp(-1.5)), 6);
});

test.each([
  [-2000, 1000],
  [2000, 0],
])("a difference of %i nats leaves a number", async (gain, expected) => {
  const { loss, cotangents } = await evaluated([gain, 0, 0, 0], { chosen: 0, rejected: 0 });
  expect(loss).toBeCloseTo(expected, 6);
  expect([...cotangents[0]!.tokenLogprobs!].every(Number.isFinite)).toBe(true);
});
