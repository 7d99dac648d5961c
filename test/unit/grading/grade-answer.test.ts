import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataFormatError } from "../../../src/core/errors.ts";
import { answerPart } from "../../../src/grading/answer-part.ts";
import { gradeOpenAnswer, tokenOverlapEntailment } from "../../../src/grading/entailment.ts";
import type { AnswerKind } from "../../../src/grading/grade-answer.ts";
import { type GradingInput, gradeAnswer } from "../../../src/grading/grade-answer.ts";
import { extractIndexSet, setF1 } from "../../../src/grading/index-sets.ts";
import { normalisedTokens, wordsF1 } from "../../../src/grading/normalise.ts";
import { extractNumber } from "../../../src/grading/numbers.ts";
import { officialJudges } from "../../../src/grading/official.ts";
import { extractOption, optionLetter } from "../../../src/grading/options.ts";
import { extractPermutation, kendallTau } from "../../../src/grading/permutations.ts";
import { extractSpan } from "../../../src/grading/spans.ts";

type Question = Omit<GradingInput, "completion">;
const permutation = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc.shuffledSubarray(
    Array.from({ length: n }, (_, i) => i + 1),
    { minLength: n },
  ),
);
const word = fc.stringMatching(/^[b-z]{2,8}$/).filter((text) => !["an", "the"].includes(text));

/** A question of each kind with a reference in several writings. */
const questions: Readonly<Record<AnswerKind, fc.Arbitrary<Question>>> = {
  choice: fc
    .uniqueArray(word, { minLength: 2, maxLength: 6 })
    .chain((options) =>
      fc.nat(options.length - 1).map((at) => ({ answerKind: "choice", answer: optionLetter(at), options })),
    ),
  number: fc.integer({ min: -50, max: 5000 }).map((n) => ({ answerKind: "number", answer: String(n) })),
  span: fc
    .tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 90 }))
    .map(([start, length]) => ({ answerKind: "span", answer: `${start / 10} - ${(start + length) / 10}` })),
  permutation: permutation.map((order) => ({ answerKind: "permutation", answer: order.join(",") })),
  "ranked-spans": fc
    .array(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 90 })), {
      minLength: 1,
      maxLength: 5,
    })
    .map((spans) => ({
      answerKind: "ranked-spans",
      answer: spans.map(([start, length]) => `${start} - ${start + length}`).join("\n"),
    })),
  "index-set": fc
    .uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 6 })
    .map((set) => ({ answerKind: "index-set", answer: set.length === 0 ? "none" : set.join(", ") })),
  open: fc
    .array(word, { minLength: 1, maxLength: 8 })
    .map((words) => ({ answerKind: "open", answer: words.join(" ") })),
};
/** Arbitrary text, and text made of the pieces that the rules look for. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        "answer",
        " is ",
        "A",
        "B.",
        "(c)",
        "option ",
        "<think>",
        "</think>",
        "<answer>",
        "3",
        "1,2",
        "00:18",
        "-",
        " to ",
        "two hundred",
        "none",
        "\n",
        "**",
        ",",
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join("")),
);

describe.each(Object.entries(questions))("%s", (_kind, question) => {
  test("a perfect answer scores 1, also behind reasoning and in an answer tag", () => {
    fc.assert(
      fc.property(
        question,
        fc.constantFrom("", "<think>A or B, 4 or 7?</think>"),
        fc.boolean(),
        (q, before, tagged) => {
          const said = tagged ? `<answer>${q.answer}</answer>` : q.answer;
          expect(gradeAnswer({ ...q, completion: before + said })).toMatchObject({ correct: true, score: 1 });
        },
      ),
    );
  });
  test("an empty answer scores 0", () => {
    fc.assert(
      fc.property(
        question,
        fc.constantFrom("", " \n", "<think>3</think>", "<think>B", "<answer></answer>"),
        (q, completion) => {
          expect(gradeAnswer({ ...q, completion })).toMatchObject({ correct: false, score: 0, parsed: null });
        },
      ),
    );
  });
  test("any text gets a verdict in range, always the same; correct answers are read", () => {
    fc.assert(
      fc.property(question, anyText, (q, completion) => {
        const verdict = gradeAnswer({ ...q, completion });
        expect(verdict.score).toBeGreaterThanOrEqual(0);
        expect(verdict.score).toBeLessThanOrEqual(1);
        if (verdict.correct) expect(verdict.parsed).not.toBeNull();
        if (verdict.parsed === null) expect(verdict.score).toBe(0);
        expect(gradeAnswer({ ...q, completion })).toEqual(verdict);
        for (const judge of Object.values(officialJudges)) judge(completion, 0, ["x", "y"]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("choice", () => {
  const options = ["red car", "car", "dog", "cat"];
  const read = (text: string): string | null => {
    const { value } = extractOption(text, options);
    return value === null ? null : optionLetter(value);
  };
  test("only the item's letters count and the article is none", () => {
    expect(extractOption("E", options).value).toBeNull();
    expect(read("The answer is A dog")).toBe("C");
    expect(read("A bird flies by")).toBeNull();
    expect(read("(e)")).toBeNull();
  });
  test("a text may correct itself and reject options; two that it leaves standing give nothing", () => {
    expect(read("The answer is B. No: the answer is D")).toBe("D");
    expect(read("Option A is wrong, option C is right")).toBe("C");
    expect(read("Option A shows a car, option C a dog")).toBeNull();
    expect(read("A. red car\nB. car")).toBeNull();
    expect(read("The answer is not B")).toBeNull();
    expect(read("The answer is B or C")).toBeNull();
    expect(read("The answer is A because it turns")).toBe("A");
  });
  test("option texts: the longest one, and only when one is left", () => {
    expect(read("I see a red car.")).toBe("A");
    expect(read("A dog chases a cat")).toBeNull();
    expect(read("Dog")).toBe("C");
  });
  test("the reference may be a letter or a text; anything else is the data's fault", () => {
    expect(gradeAnswer({ answerKind: "choice", answer: "dog", options, completion: "C" }).correct).toBe(true);
    expect(gradeAnswer({ answerKind: "choice", answer: "(C)", options, completion: "C" }).correct).toBe(true);
    expect(gradeAnswer({ answerKind: "choice", answer: "flash", completion: "Flash." }).correct).toBe(true);
    expect(() => gradeAnswer({ answerKind: "choice", answer: "bird", options, completion: "C" })).toThrow(
      DataFormatError,
    );
  });
});

test("malformed references are named", () => {
  for (const [answerKind, answer] of [
    ["number", "many"],
    ["span", "late"],
    ["permutation", "1,1"],
    ["index-set", "some"],
  ] as const)
    expect(() => gradeAnswer({ answerKind, answer, completion: "1" })).toThrow(
      `reference answer is not a ${answerKind}`,
    );
});

test("numbers: two candidates give nothing unless one is the answer or counts", () => {
  const value = (text: string): number | null => extractNumber(text).value;
  expect(value("3 times in 10 seconds")).toBe(3);
  expect(value("between 4 and 6")).toBeNull();
  expect(value("I see 4 red balls, so the answer is two.")).toBe(2);
  expect(value("about 7, yes 7")).toBe(7);
});

test("spans", () => {
  const span = (text: string): (number | undefined)[] => {
    const { value } = extractSpan(text);
    return [value?.startSeconds, value?.endSeconds];
  };
  expect(span("happens in the 24.3 - 30.4 seconds")).toEqual([24.3, 30.4]);
  expect(span("from 24.3 to 30.4")).toEqual([24.3, 30.4]);
  expect(span("starts at 00:18 and ends at 00:23")).toEqual([18, 23]);
  expect(span("[3.0, 7.5]")).toEqual([3, 7.5]);
  expect(span("between 3 and 7 seconds")).toEqual([3, 7]);
  expect(span("30.4 - 24.3")).toEqual([24.3, 30.4]);
  expect(span("12s - 15s")).toEqual([12, 15]);
  expect(span("1 to 2, answer: 3 to 4")).toEqual([3, 4]);
  expect(span("at 3 seconds")).toEqual([undefined, undefined]);
});

test("permutations and Kendall's tau", () => {
  expect(extractPermutation("Frames 1 to 3 in order: 3 -> 1 -> 2", 3).value).toEqual([3, 1, 2]);
  expect(extractPermutation("2, 2, 1", 3).value).toBeNull();
  expect(kendallTau([1, 2, 3], [3, 2, 1])).toBe(-1);
  expect(kendallTau([2, 1, 3], [1, 2, 3])).toBeCloseTo(1 / 3, 12);
  fc.assert(
    fc.property(permutation, (order) => {
      expect(kendallTau(order, order)).toBe(1);
      if (order.length > 1) expect(kendallTau(order, [...order].reverse())).toBe(-1);
    }),
  );
});

test("index sets", () => {
  expect(extractIndexSet("frames 2 and 5").value).toEqual([2, 5]);
  expect(extractIndexSet("3-5, 9").value).toEqual([3, 4, 5, 9]);
  expect(extractIndexSet("0").value).toEqual([]);
  expect(extractIndexSet("It never appears").value).toEqual([]);
  expect(extractIndexSet("blue").value).toBeNull();
  expect(setF1([1, 2], [2, 3])).toBe(0.5);
  expect(setF1([], [])).toBe(1);
});

test("reasoning that never closes holds no answer", () => {
  expect(answerPart("<think>B B B")).toBe("");
  expect(answerPart("x</think> B")).toBe("B");
});

test("token F1 is symmetric and 1 on itself", () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      const [one, two] = [normalisedTokens(a), normalisedTokens(b)];
      expect(wordsF1(one, two)).toBe(wordsF1(two, one));
      expect(wordsF1(one, one)).toBe(1);
    }),
  );
});

test("open answers by an injected entailment model, each way round", async () => {
  const said = "A red disc flashes at the end";
  const grade = (direction?: "supported-by-reference" | "mean"): Promise<number> =>
    gradeOpenAnswer(tokenOverlapEntailment, said, "red disc flashes", direction);
  expect(await grade()).toBe(1);
  expect(await grade("supported-by-reference")).toBe(0.6);
  expect(await grade("mean")).toBe(0.8);
  expect(await gradeOpenAnswer(tokenOverlapEntailment, "<think>red</think>", "red")).toBe(0);
});
