import { expect, test } from "vitest";
import { addCost, clipCost, noCost, shownCost } from "../../../src/jobs/build/clip-cost.ts";
import type { BuiltRow } from "../../../src/jobs/build/protocol.ts";

test("a clip cost what its teacher and the keywords of each of its rows cost", () => {
  const usage = { promptTokens: 100, completionTokens: 20, cost: 0.5 };
  const row = (keywordUsage?: BuiltRow["keywordUsage"]): BuiltRow => ({ keywordUsage }) as BuiltRow;
  const rows = [row({ ...usage, cost: 0.25 }), row(), row({ ...usage, cost: 0.125 })];
  expect(clipCost({ rows, teacherUsage: usage })).toEqual({ tokens: 360, cost: 0.875 });
  expect(clipCost({ rows: [row()] })).toEqual(noCost);
});

test("what is shown grows with what was paid, and is nothing where nobody was asked", () => {
  expect(shownCost(noCost)).toBe("");
  expect(shownCost({ tokens: 1200, cost: 0 })).toBe(", 1,200 tokens");
  const sum = addCost({ tokens: 1200, cost: 0.25 }, { tokens: 34, cost: 0.5 });
  expect(shownCost(sum)).toBe(", 1,234 tokens, cost 0.7500");
});
