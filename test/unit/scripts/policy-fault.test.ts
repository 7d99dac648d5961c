import { expect, test } from "vitest";
import { policyFault } from "../../../scripts/training-work/policy-fault.ts";
import type { MetricsRow, RolloutRecord } from "../../../src/runs/run-folder.ts";

const group = (...advantages: number[]): RolloutRecord => ({
  step: 1,
  sampleId: "a",
  prompt: "what ?",
  complete: advantages.map((total) => ({ text: "", rewards: {}, advantages: { total } })),
  absent: [],
});
const row = (step: number, policy: number, gradientNorm: number): MetricsRow => ({
  ...{ step, timeSeconds: 1, policy, gradientNorm },
});
const good = [row(1, -0.2, 0.7), row(2, -0.1, 0.5)];

test("a policy that was trained is fine", () => {
  expect(policyFault(good, [group(1, -1), group(0, 0)])).toBeUndefined();
});

test("completions that are all rated alike, or all above, are not", () => {
  expect(policyFault(good, [group(0, 0), group(0, 1e-9)])).toBe(
    "no advantages above and below 0 in 2 groups: rewards do not differ",
  );
  expect(policyFault(good, [group(1, 1)])).toMatch(/no advantages above and below 0/);
  expect(policyFault(good, [])).toMatch(/in 0 groups/);
});

test("a term that is 0 in every step, and a first step without a gradient, are not", () => {
  expect(policyFault([row(1, 1e-9, 0.7), row(2, 0, 0.7)], [group(1, -1)])).toBe(
    "the policy term of the loss is 0 in all of 2 steps",
  );
  // In the second step the reference's term has a gradient of its own.
  expect(policyFault([row(1, -0.2, 0), row(2, -0.2, 0.7)], [group(1, -1)])).toBe(
    "no policy gradient: the norm of step 1 is 0",
  );
  expect(policyFault([row(2, -0.2, 0.7)], [group(1, -1)])).toBe("expected step 1 first; got 2");
});
