import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCorpus } from "../../../scripts/grading-accuracy.ts";
import { sameAnswer } from "../../../src/grading/answer-key.ts";
import { gradeAnswer } from "../../../src/grading/grade-answer.ts";
import { officialJudges } from "../../../src/grading/official.ts";
import { extractOption, optionLetter } from "../../../src/grading/options.ts";

const actions = ["run", "walk", "jump", "sit"];
const read = (text: string, options: readonly string[] = actions): string | null => {
  const { value } = extractOption(text, options);
  return value === null ? null : optionLetter(value);
};

describe("an option is credited only when it is the answer", () => {
  test.each([
    "Option B is wrong.",
    "The incorrect answer is B",
    "The answer isn't option B",
    "It's not (B).",
    "B can be ruled out",
    "Neither B nor C",
    "Anything but B",
    "I don't think it is B",
    "B ❌",
    "~~B~~",
    "Least likely: B",
    "Is it B?",
    "The person does not walk.",
    "No jump is visible",
    "He never gets to jump",
    "I doubt that he can run",
    "walk? No.",
    "instead of a jump",
    "答案不是B",
    "不选B",
    "B是错误的",
    "La réponse n'est pas B",
  ])("rejected: %s", (text) => {
    expect(read(text)).toBeNull();
  });

  test.each([
    "A, C",
    "A; C",
    "A+C",
    "A、C",
    "A，C",
    "A/C",
    "A & C",
    "A|C",
    "AC",
    "A C",
    "A\nC",
    "(A)(C)",
    "Answer: A, C",
    "Answer: (A), (C)",
    "B or maybe C",
    "The answer is B, or possibly C",
    "The answer is B, but C is also possible.",
    "Both A and C",
    "\\boxed{A}\\boxed{C}",
    '{"answer": ["A", "C"]}',
    "<answer>A</answer><answer>C</answer>",
    "A. run, C. jump",
    "B: 0.8, C: 0.2",
    "A和C",
    "答案：A或C",
    "A oder C",
    "run and jump",
    "Answer: A\nAnswer: C",
  ])("several: %j", (text) => {
    expect(read(text)).toBeNull();
  });

  test.each([
    "Maybe B",
    "It could be B",
    "B, I'm not sure",
    "If the answer is B, he is slow",
    "Whether the answer is B is unclear",
    "B. run",
    "B\nThe man is fast, so the answer is A.",
    "A man stands.",
    "Camera B films player A",
    "I",
    "Person A is right-handed",
    "T-shirt",
    "",
    " ",
    "<think>B",
    "The man starts at point A and ends at point B.",
  ])("doubted, contradicted or other words: %j", (text) => {
    expect(read(text)).toBeNull();
  });
});

describe("a clear answer is read", () => {
  test.each([
    "B\nThe man walked slowly.",
    "The man walked slowly.\nB",
    "The feet stay down.\n\n**B**",
    "B because he walks.",
    "\\boxed{B}",
    "$\\boxed{\\text{(B)}}$",
    "\u0008oxed{B}",
    '"B"',
    "“B”",
    "(B)walk",
    "B.walk",
    "B!",
    "Ｂ",
    "（B）",
    "【答案】B",
    "答案：B",
    "选B。",
    "B、walk",
    "正解はBです",
    "정답: B",
    "Die Antwort lautet B",
    "Ответ: B",
    '{"answer": "B"}',
    '```json\n{"answer": "b"}\n```',
    "{'answer': 'B'}",
    '{"answer": "B',
    "<answer>B",
    "<think>slow</think><answer>B",
    "B</answer>",
    "answer: b",
    "The answer is b",
    "B<|im_end|>",
    "B</s>",
    "<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nA?",
    "B is correct.",
    "Option A is wrong, option B is right",
    "It is not A but B.",
    "B, not A",
    "The answer is B rather than C.",
    "The answer is A. Wait, the answer is B.",
    "A, C and D are wrong, so B",
    "Between A and B: the answer is B.",
    "He is slow, so B.",
    "He is slow. (B)",
    "A. run\nB. walk\nC. jump\nD. sit\nAnswer: B",
    "I'd go with B",
    "1. B",
    "The answer is walk.",
    "walk (B)",
    "I see him walk.",
    "Q: What is done?\nA: walk",
    "Ⓑ",
    "𝐁",
    "| B |",
  ])("%j", (text) => {
    expect(read(text)).toBe("B");
  });
});

test("signs, points, units and marks distinguish options", () => {
  const cases: readonly [readonly string[], string, string | null][] = [
    [["-1", "1"], "1", "B"],
    [["-1", "1"], "-1", "A"],
    [["-1", "1"], "minus one", "A"],
    [["-1", "1"], "- 1", null],
    [["-1", "2"], "1", null],
    [["-1", "2"], "The answer is -1.", "A"],
    [["2.5", "25"], "25", "B"],
    [["2.5", "25"], "2.50", "A"],
    [["2.5", "25"], "2,5", null],
    [["5 ms", "6 ms"], "5 m/s", null],
    [["5 ms", "5 m/s"], "5m/s", "B"],
    [["5%", "5"], "5 %", "A"],
    [["5%", "5"], "5", "B"],
    [["1/2", "12"], "12", "B"],
    [["10:30", "1030"], "10:30", "A"],
    [["x > y", "x < y"], "x<y", "B"],
    [["1,200", "1.2"], "1200", "A"],
    [["C++", "C#"], "C#", "B"],
    [["3-5", "35"], "35", "B"],
    [["+2", "-2"], "2", "A"],
    [["0.1 s", "1 s"], "01 s", null],
    [["1", "2", "3"], "3 times in 10 seconds", "C"],
    [["1", "2", "3"], "frame 3", null],
    [["1", "2", "3"], "more than 2", null],
    [["1", "2", "3"], "2 or 3", null],
    [["1", "2", "3"], "B. 3", null],
    [["twice", "three times"], "3 times", "B"],
    [["twice", "three times"], "two or three times", null],
  ];
  for (const [options, text, letter] of cases)
    expect(read(text, options), `${options}: ${text}`).toBe(letter);
  expect(sameAnswer("ego-car", "egocar")).toBe(true);
  const graded = (answer: string, completion: string): boolean =>
    gradeAnswer({ answerKind: "choice", answer, completion }).correct;
  expect(graded("-1", "1")).toBe(false);
  expect(graded("2.5", "25")).toBe(false);
  expect(graded("2.5", "2.50")).toBe(true);
  expect(gradeAnswer({ answerKind: "open", answer: "-1", completion: "1" }).score).toBe(0);
});

test("options that deny something, and yes and no", () => {
  const jumps = ["A jump", "No jump"];
  expect(read("No jump is visible.", jumps)).toBe("B");
  expect(read("A. No jump", jumps)).toBeNull();
  const light = ["The light flashes", "The light does not flash"];
  expect(read("Here the light does not flash at all.", light)).toBe("B");
  expect(read("No, it does not stop.", ["Yes", "No"])).toBe("B");
  expect(read("Yes, no jump is visible.", ["Yes", "No"])).toBe("A");
  expect(read("There is no jump", ["Yes", "No"])).toBeNull();
  expect(read("a) no", ["yes", "no"])).toBeNull();
});

const tokens = [
  "<|im_end|>",
  "</s>",
  "<|endoftext|>",
  "<|eot_id|>",
  "<end_of_turn>",
  "<｜end▁of▁sentence｜>",
  " <|im_end|>\n<|endoftext|>",
];
const rows = readCorpus();
const anyRow = fc.constantFrom(...rows);

describe("reading does not depend on what says nothing", () => {
  test("trailing special tokens, another turn behind them, reasoning in front", () => {
    fc.assert(
      fc.property(anyRow, fc.constantFrom(...tokens), ({ completion, options }, token) => {
        const plain = extractOption(completion, options).value;
        if (/<\/?think|<\||assistant/i.test(completion)) return;
        expect(extractOption(completion + token, options).value).toBe(plain);
        expect(extractOption(`${completion}<|im_end|>\n<|im_start|>user\nA or B?`, options).value).toBe(
          plain,
        );
        expect(extractOption(`<think>A? C.</think>\n${completion}`, options).value).toBe(plain);
      }),
      { numRuns: 400 },
    );
  });
  test("white space around, line ends, an answer tag", () => {
    fc.assert(
      fc.property(anyRow, ({ completion, options }) => {
        const plain = extractOption(completion, options).value;
        expect(extractOption(`\n  ${completion} \n`, options).value).toBe(plain);
        expect(extractOption(completion.replaceAll("\n", "\r\n"), options).value).toBe(plain);
        if (!/[<>]/.test(completion))
          expect(extractOption(`<answer>${completion}</answer>`, options).value).toBe(plain);
      }),
      { numRuns: 400 },
    );
  });
  test("the letter itself: another order of the options moves the reading with them", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.nat(),
        fc.constantFrom("Answer: X", "(X)", "X.", "The answer is X", "\\boxed{X}", "X is correct."),
        (count, at, form) => {
          const options = Array.from({ length: count }, (_, index) => `wording${"q".repeat(index + 1)}`);
          const letter = optionLetter(at % count);
          expect(read(form.replace("X", letter), options)).toBe(letter);
          expect(read(form.replace("X", optionLetter(count)), options)).toBeNull();
        },
      ),
    );
  });
});

test("an option that is denied is never credited, whatever the form", () => {
  const denials = [
    "The answer is not X.",
    "X is wrong.",
    "Option X is incorrect",
    "It isn't X",
    "Not X",
    "I would rule out X.",
    "The wrong option is X",
    "X? No.",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...denials),
      fc.nat(3),
      fc.constantFrom("", "**", '"', "("),
      (form, at, dress) => {
        const close = dress === "(" ? ")" : dress;
        const text = form.replace("X", dress + optionLetter(at) + close);
        expect(read(text), text).toBeNull();
      },
    ),
  );
});

test("two different letters joined in any way name none", () => {
  const joints = [
    ", ",
    "; ",
    " and ",
    " or ",
    "/",
    "+",
    " & ",
    "、",
    "，",
    " or maybe ",
    ", possibly ",
    "|",
    " plus ",
    " as well as ",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...joints),
      fc.nat(3),
      fc.nat(3),
      fc.constantFrom("", "Answer: ", "The answer is ", "<answer>", "答案："),
      (joint, a, b, lead) => {
        if (a === b) return;
        const text = `${lead}${optionLetter(a)}${joint}${optionLetter(b)}`;
        expect(read(text), text).toBeNull();
      },
    ),
  );
});

test("arbitrary text never throws and never names an option that is not there", () => {
  const pieces = fc.constantFrom(
    "A",
    "B",
    "(c)",
    " ",
    "\n",
    "answer",
    " is ",
    "not ",
    "[",
    "{",
    '"',
    "\\boxed{",
    "}",
    "<answer>",
    "<think>",
    "</think>",
    "$",
    "-1",
    "2.5",
    "选",
    "或",
    "~~",
    "```",
    ",",
    "?",
    "|",
    "::",
    "\u2028",
    "𝐁",
    "\ud800",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 80 }),
    fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(
      text,
      fc.array(fc.oneof(fc.string({ maxLength: 12 }), pieces), { minLength: 1, maxLength: 8 }),
      (completion, options) => {
        const { value, rule } = extractOption(completion, options);
        expect(rule).not.toBe("");
        if (value !== null) expect(value).toBeLessThan(options.length);
        expect(extractOption(completion, options)).toEqual({ value, rule });
        for (const judge of Object.values(officialJudges)) judge(completion, 0, options);
      },
    ),
    { numRuns: 1500 },
  );
});

test("long texts take time in proportion to their length", () => {
  for (const piece of [
    "The answer is ",
    "A, ",
    "(",
    "not B. ",
    "answer answer ",
    "\\boxed{",
    "x\n",
    "```",
    "**",
    "[A] ",
    "a ",
    "1 or ",
  ]) {
    const start = performance.now();
    extractOption(piece.repeat(Math.ceil(20_000 / piece.length)), actions);
    expect(performance.now() - start, JSON.stringify(piece)).toBeLessThan(4000);
  }
});

test.each<[string, readonly string[], number | null]>([
  ["Jump Over The Fence.", ["walk", "jump over the fence"], 1],
  ["JUMP OVER A FENCE", ["walk", "jump over a fence"], 1],
  ["Type A", ["type A", "type"], 0],
  ["The opposite of left to right", ["left to right", "right to left"], null],
  ["no, wait, yes", ["yes", "no"], 0],
  ["Most people would say A.", ["walk", "run"], null],
  ["Another model chose B.", ["walk", "run"], null],
  ["I would say A.", ["walk", "run"], 0],
])("unseen forms: %s", (completion, options, expected) => {
  expect(extractOption(completion, options).value).toBe(expected);
});

describe("other writings of an option, and what only looks like one", () => {
  const ranges = ["0-5 s", "5-10 s", "10-15 s"];
  const hands = ["She chops the onion", "She peels the onion", "She washes the onion"];
  test.each([
    ["It happens between 5 and 10 seconds.", ranges, "B"],
    ["5s-10s", ranges, "B"],
    ["between 3 and 7 seconds", ranges, null],
    ["not between 5 and 10 seconds", ranges, null],
    ["20 metres per second", ["10 m/s", "20 m/s", "20 km/h"], "B"],
    ["20 kilometres per hour", ["10 m/s", "20 m/s", "20 km/h"], "C"],
    ["cut -> fry -> plate", ["cut, fry, plate", "fry, cut, plate"], "A"],
    ["The woman is peeling the onion.", hands, "B"],
    ["The woman is not peeling the onion.", hands, null],
    ["She is about to be peeling the onion.", hands, null],
    ["She peels the onion and then chops it.", hands, null],
    ["\\boxed{25\\%}", ["10%", "25%", "2.5%"], "B"],
    ["13", ["frame 3", "frame 13"], "B"],
    ["Nope.", ["yes", "no"], "B"],
    ["是的。", ["yes", "no"], "A"],
    ["No idea.", ["yes", "no"], null],
    ["A... no, D.", actions, "D"],
    ["3 times. Correction: 2 times.", ["1", "2", "3"], "B"],
    ["There are 3 cars. Wait, 2 of them are lorries.", ["1", "2", "3"], null],
    ["There is a red car - no blue.", ["red", "blue"], null],
    ["None of the above orders matches.", ["a, b", "b, a", "None of the above"], "C"],
    ["If none of the above applies, say so.", ["a, b", "b, a", "None of the above"], null],
    ["| Option | Verdict |\n|---|---|\n| A | wrong |\n| B | correct |", actions, "B"],
    ["| Option | Ruled out |\n|---|---|\n| A | yes |\n| B | no |", actions, null],
    ["There is insufficient evidence that he runs.", ["he runs", "he walks"], null],
    ["It might be walk, but run is possible as well.", actions, null],
    ["不是向左，而是向右。", ["向左", "向右"], "B"],
    ["可能向右", ["向左", "向右"], null],
  ] as const)("%s among %s: %s", (text, options, letter) => {
    expect(read(text, options)).toBe(letter);
  });
});
