import { describe, expect, test } from "vitest";
import { gradeAnswer } from "../../src/grading/grade-answer.ts";
import { normalisedTokens, normaliseText, wordsF1 } from "../../src/grading/normalise.ts";
import { findNumbers, meanRelativeAccuracy } from "../../src/grading/numbers.ts";
import {
  motionBenchLetter,
  officialJudges,
  rtvBenchLetter,
  videoMmeLetter,
  vruAccidentLetter,
} from "../../src/grading/official.ts";
import { extractOption, optionLetter } from "../../src/grading/options.ts";
import { spanIoU } from "../../src/grading/spans.ts";

/**
 * Raw outputs and what the benchmarks' own functions gave for them: MotionBench, Video-MME (VLMEvalKit), VRU-Accident,
 * RTV-Bench, MVBench against gold "(B) walk". Recorded by running the originals at the commits named in official.ts.
 * The last column is what our strict rule must give among four options.
 */
const table: readonly [string, string, string, string | null, string, boolean, string | null][] = [
  ["B", "B", "B", "B", "B", true, "B"],
  ["B.", "B", "B", "B", "B", true, "B"],
  ["(B)", "B", "B", "B", "B", true, "B"],
  ["B)", "B", "B", "B", "B", true, "B"],
  ["B. A car", "B", "B", "B", "B", true, "B"],
  ["b", "b", "", null, "B", true, "B"],
  ["The answer is B.", "T", "B", "B", "B", false, "B"],
  ["A man walks to the left, so the answer is C.", "A", "A", "A", "A", false, "C"],
  ["Based on the video, the answer is (D).", "D", "B", "D", "D", false, "D"],
  ["Answer: C", "A", "C", "C", "C", false, "C"],
  ["", "", "", null, "Unknown", true, null],
  ["I cannot determine.", "I", "", null, "Unknown", false, null],
  ["Option B", "O", "B", "B", "B", false, "B"],
  ["**B**", "*", "B", "B", "B", false, "B"],
  ["Both A and B", "B", "B", "A", "A", false, null],
  ["The correct option is D: a dog", "T", "D", "D", "D", false, "D"],
  ["Yes", "Y", "", null, "Unknown", false, null],
  ["<think>A seems wrong</think>B", "<", "A", "A", "A", false, "B"],
];
const options = ["run", "walk", "jump", "sit"];

describe("answer extraction", () => {
  test.each(table)("%j", (raw, motionBench, videoMme, vru, rtv, mvBench, strict) => {
    expect(motionBenchLetter(raw)).toBe(motionBench);
    expect(videoMmeLetter(raw)).toBe(videoMme);
    expect(vruAccidentLetter(raw)).toBe(vru);
    expect(rtvBenchLetter(raw)).toBe(rtv);
    expect(officialJudges.mvbench(raw, 1, options).correct).toBe(mvBench);
    const read = extractOption(raw, options).value;
    expect(read === null ? null : optionLetter(read)).toBe(strict);
  });

  test("the official mode keeps the original's errors, strict does not", () => {
    const question = { answerKind: "choice", answer: "B", options, completion: "" } as const;
    expect(gradeAnswer(question, "mvbench").correct).toBe(true);
    expect(gradeAnswer(question).correct).toBe(false);
  });
});

test("SQuAD normalisation, exact match and token F1", () => {
  const pairs: readonly [string, string, boolean, number][] = [
    ["The cat.", "cat", true, 1],
    ["ego-car hits a pedestrian", "egocar hits pedestrian", true, 1],
    ["3 times", "three times", false, 0.5],
    ["A red car", "red cars", false, 0.5],
    ["a", "the", true, 1],
  ];
  for (const [a, b, equal, f1] of pairs) {
    expect(normaliseText(a) === normaliseText(b), a).toBe(equal);
    expect(wordsF1(normalisedTokens(a), normalisedTokens(b))).toBe(f1);
  }
});

test("mean relative accuracy in IEEE doubles, as numpy's linspace thresholds give it", () => {
  const golden: readonly [number, number, number][] = [
    [5, 5, 1],
    [4.5, 5, 0.9],
    [4, 5, 0.6],
    [6, 5, 0.6],
    [2.5, 5, 0.1],
    [8, 5, 0],
    [3, 4, 0.6],
    [2, 3, 0.4],
    [10, 9, 0.8],
    [1.9, 2, 1],
    [0, 2, 0],
  ];
  for (const [p, t, expected] of golden) expect(meanRelativeAccuracy(p, t), `${p}/${t}`).toBe(expected);
});

test("temporal overlap", () => {
  const span = (startSeconds: number, endSeconds: number): { startSeconds: number; endSeconds: number } => ({
    startSeconds,
    endSeconds,
  });
  expect(spanIoU(span(10, 20), span(15, 25))).toBeCloseTo(1 / 3, 12);
  expect(spanIoU(span(10, 20), span(12, 18))).toBeCloseTo(0.6, 12);
  expect(spanIoU(span(10, 20), span(20, 30))).toBe(0);
  expect(spanIoU(span(0, 10), span(0, 100))).toBeCloseTo(0.1, 12);
  expect(spanIoU(span(10, 20), span(8, 17))).toBeCloseTo(0.583333, 6);
  expect(spanIoU(span(5, 5), span(5, 5))).toBe(0);
  expect(spanIoU(span(5, 10), span(8, 16))).toBeCloseTo(0.181818, 6);
});

test("numbers in digits and words", () => {
  const values = (text: string): number[] => findNumbers(text).map((number) => number.value);
  expect(values("five")).toEqual([5]);
  expect(values("Five.")).toEqual([5]);
  expect(values("1,200 and 2.5, then -3")).toEqual([1200, 2.5, -3]);
  expect(values("10-12")).toEqual([10, 12]);
  expect(values("twenty-one, two hundred and five, three thousand and forty two")).toEqual([21, 205, 3042]);
  expect(values("one two three")).toEqual([1, 2, 3]);
  expect(values("twice at 00:18 in clip7 and someone")).toEqual([2]);
});
