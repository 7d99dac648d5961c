import { expect, test } from "vitest";
import { verdictOf } from "../../../scripts/training-work/verdict.ts";

const fine = { part: "sft", loss: 1 };

test("parts that are all there and fine are fine", () => {
  expect(verdictOf([fine, { part: "conformance", holds: true }])).toEqual({ line: "fine", status: 0 });
});

test("a part that was left out is named, and what is left is not called fine", () => {
  const left = { part: "grpo", left: "out: 9.3 minutes have passed" };
  expect(verdictOf([fine, left])).toEqual({ line: "INCOMPLETE; left out: grpo", status: 3 });
  expect(verdictOf([left, { part: "conformance", holds: false }])).toEqual({
    line: "NOT fine: conformance; left out: grpo",
    status: 1,
  });
});

test("a part that failed, and no part at all, are not fine", () => {
  expect(verdictOf([fine, { part: "sft, all", failed: "out of memory" }])).toEqual({
    line: "NOT fine: sft, all",
    status: 1,
  });
  expect(verdictOf([]).status).toBe(1);
});
