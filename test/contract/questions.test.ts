import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { type DescribedClip, questionBuilders } from "../../src/dataset/questions.ts";
import { answerKinds, gradeAnswer } from "../../src/grading/grade-answer.ts";

const what = fc.constantFrom("a red car stops", "the dog jumps over the fence", "hands clap", "");

/** What may be known of a clip: captions with and without events, events that overlap or have one name. */
const described: fc.Arbitrary<Omit<DescribedClip, "random">> = fc
  .record({
    caption: what,
    durationSeconds: fc.double({ min: 1, max: 60, noNaN: true }),
    events: fc.array(
      fc.record({
        start: fc.double({ min: 0, max: 0.9, noNaN: true }),
        length: fc.double({ min: 0.02, max: 1, noNaN: true }),
        what,
      }),
      { maxLength: 5 },
    ),
    keywords: fc.array(fc.constantFrom("stop", "jump"), { maxLength: 2 }),
    counts: fc.option(
      fc.array(fc.record({ what, times: fc.integer({ min: 0, max: 40 }) }), { maxLength: 2 }),
    ),
    contrasts: fc.array(
      fc.constantFrom(
        { question: "Which hand waves?", right: "The left one.", wrong: "The right one." },
        { question: "Where does the ball go?", right: "up", wrong: "Up." },
      ),
      { maxLength: 2 },
    ),
    otherCaptions: fc.shuffledSubarray([
      "a man rows a boat",
      "birds sing on a branch",
      "the lamp goes out",
      "two girls wave at us",
      "a red car halts",
    ]),
  })
  .map(({ events, durationSeconds, counts, ...rest }) => ({
    ...rest,
    ...(counts && { counts }),
    durationSeconds,
    events: events.map(({ start, length, what: name }) => ({
      startSeconds: start * durationSeconds,
      endSeconds: Math.min(durationSeconds, (start + length) * durationSeconds),
      what: name,
    })),
  }));

test.each(questionBuilders.names())("%s asks what can be answered, and the same every time", async (name) => {
  const { value } = await questionBuilders.make(name);
  let asked = 0;
  fc.assert(
    fc.property(described, (clip) => {
      const build = (): ReturnType<typeof value.build> =>
        value.build({ ...clip, random: seededRandom(3, "questions") });
      const questions = build();
      expect(build()).toEqual(questions);
      for (const { question, answer, answerKind, options, skill } of questions) {
        asked++;
        expect(question.trim()).not.toBe("");
        expect(skill).not.toBe("");
        expect(answerKinds).toContain(answerKind);
        if (answerKind === "choice") expect(options).toContain(answer);
        if (options !== undefined)
          expect(new Set(options.map((one) => one.toLowerCase())).size).toBe(options.length);
        // Whoever grades agrees that the answer is the answer.
        if (answerKind !== "open")
          expect(
            gradeAnswer({ answer, answerKind, completion: answer, ...(options && { options }) }).correct,
          ).toBe(true);
        else expect(answer.trim()).not.toBe("");
      }
    }),
  );
  expect(asked).toBeGreaterThan(0);
  expect(
    value.build({ caption: "", events: [], keywords: [], durationSeconds: 3, random: seededRandom(0) }),
  ).toEqual([]);
});

/** What one builder asks about one clip, over many draws. */
const drawn = async (
  name: string,
  clip: Partial<DescribedClip>,
): Promise<{ question: string; answer: string; options: readonly string[] }[]> => {
  const { value } = await questionBuilders.make(name);
  return Array.from({ length: 400 }, (_, at) =>
    value.build({
      ...{ caption: "", events: [], keywords: [], durationSeconds: 10 },
      ...clip,
      random: seededRandom("draw", at),
    }),
  ).flatMap((questions) =>
    questions.map(({ question, answer, options = [] }) => ({ question, answer, options })),
  );
};

const events = [
  { startSeconds: 1, endSeconds: 2, what: "the lamp goes out" },
  { startSeconds: 4, endSeconds: 5, what: "the dog barks." },
];

test.each([
  ["order", { events }, 2],
  ["which-of-two", { contrasts: [{ question: "Which hand waves?", right: "left", wrong: "right" }] }, 2],
  [
    "which-caption",
    {
      caption: "a man rows a boat",
      otherCaptions: ["birds sing", "the lamp goes out", "two girls wave", "a man rows his boat"],
    },
    4,
  ],
] as const)("%s: every letter is right equally often", async (name, clip, letters) => {
  const asked = await drawn(name, clip);
  expect(asked.length).toBe(400);
  const counts = new Array<number>(letters).fill(0);
  for (const { answer, options } of asked) counts[options.indexOf(answer)]!++;
  // Five standard deviations of a fair draw.
  const share = 1 / letters;
  for (const count of counts)
    expect(Math.abs(count - 400 * share)).toBeLessThan(5 * Math.sqrt(400 * share * (1 - share)));
});

test("order: forms, sides and answers are drawn, and right whichever they are", async () => {
  const asked = await drawn("order", { events });
  const before = asked.filter(({ answer }) => answer === "before");
  const after = asked.filter(({ answer }) => answer === "after");
  expect(Math.abs(before.length - after.length)).toBeLessThan(60);
  for (const { question } of before)
    expect(question).toBe('Does "the lamp goes out" happen before or after "the dog barks" in the video?');
  for (const { question } of after)
    expect(question).toBe('Does "the dog barks" happen before or after "the lamp goes out" in the video?');
  for (const { question, answer } of asked.filter(({ question }) => question.startsWith("Which")))
    expect(answer).toBe(question.includes("first") ? "the lamp goes out" : "the dog barks");
  // Events that overlap have no order, and those of one name are not told apart.
  const [first] = events;
  expect(await drawn("order", { events: [first!, { ...events[1]!, startSeconds: 1.5 }] })).toEqual([]);
  expect(await drawn("order", { events: [first!, { ...events[1]!, what: "The lamp goes out." }] })).toEqual(
    [],
  );
});

test("how-many: what somebody counted, else events of one name; a set of ones is not asked for", async () => {
  const { value } = await questionBuilders.make("how-many");
  const rest = { caption: "", keywords: [], durationSeconds: 9, random: seededRandom(1) };
  const answers = (clip: Partial<DescribedClip>): string[] =>
    value.build({ ...rest, events: [], ...clip }).map(({ answer }) => answer);
  expect(answers({ events })).toEqual([]);
  expect(answers({ events: [...events, { ...events[0]!, startSeconds: 7, endSeconds: 8 }] })).toEqual([
    "2",
    "1",
  ]);
  expect(answers({ events, counts: [{ what: "a knock", times: 3 }] })).toEqual(["3"]);
});

test("which-caption: captions that may be true as well are no distractors; too few are none", async () => {
  const caption = "a man rows a boat";
  const others = ["a man rows his boat", "birds sing", "the lamp goes out", "two girls wave"];
  for (const { options } of await drawn("which-caption", { caption, otherCaptions: others }))
    expect(options).not.toContain("a man rows his boat");
  expect(await drawn("which-caption", { caption, otherCaptions: others.slice(0, 3) })).toEqual([]);
});
