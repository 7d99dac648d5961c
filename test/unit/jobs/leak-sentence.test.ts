import { expect, test } from "vitest";
import { leakSentence } from "../../../src/jobs/build/card.ts";
import type { TextLeak } from "../../../src/jobs/build/tally.ts";

const leak = (value: number, low: number, isLeaking: boolean): TextLeak =>
  ({
    isLeaking,
    audit: {
      chance: 0.25,
      audited: 65,
      guessers: [{ name: "majority letter", accuracy: { value, low, high: 2 * value - low }, skills: [] }],
    },
  }) as unknown as TextLeak;

test("a warning says no more than the interval does", () => {
  expect(leakSentence(leak(0.27, 0.2, false))).not.toContain("Warning");
  expect(leakSentence(leak(0.4, 0.31, true))).toMatch(
    /^\*\*Warning: the texts give answers away\.\*\* 40\.0 %/,
  );
  const unsettled = leakSentence(leak(0.369, 0.249, true));
  expect(unsettled).toMatch(/^\*\*Warning: the texts may give answers away:\*\*/);
  expect(unsettled).toContain("more than five points above chance, which so few questions do not settle");
  expect(unsettled).not.toContain("the texts give answers away");
  // The sentence behind the warning does not take it back.
  expect(unsettled).toContain("36.9 % (24.9–48.9) cannot be told from chance");
  expect(leakSentence(leak(0.24, 0.2, false))).toContain("24.0 % (20.0–28.0) is no more than chance");
});
