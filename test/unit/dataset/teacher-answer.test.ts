import fc from "fast-check";
import { expect, test } from "vitest";
import { UnusableAnswer } from "../../../src/core/endpoint.ts";
import { readTeacherAnswer } from "../../../src/dataset/teacher-answer.ts";

const whole = {
  caption: " A hand knocks\n over the cup. ",
  events: [
    { what: "the cup falls", start: 3, end: 4.3 },
    { what: "a hand knocks over the cup", start: 2, end: 3 },
  ],
  counts: [{ what: "a knock", times: 2 }],
  contrasts: [{ question: "Which way does the cup fall?", right: "to the left", wrong: "to the right" }],
};

test("facts come out as they were said, in order of time, inside of the clip", () => {
  const { facts, dropped } = readTeacherAnswer(JSON.stringify(whole), 4);
  expect(dropped).toEqual([]);
  expect(facts).toEqual({
    caption: "A hand knocks over the cup.",
    events: [
      { what: "a hand knocks over the cup", startSeconds: 2, endSeconds: 3 },
      { what: "the cup falls", startSeconds: 3, endSeconds: 4 },
    ],
    counts: whole.counts,
    contrasts: whole.contrasts,
  });
});

test("an object within other text is found; lists that are missing are empty", () => {
  for (const said of [
    '```json\n{"caption": "A cup falls."}\n```',
    'Sure! {"caption": "A cup falls."} Anything else?',
  ])
    expect(readTeacherAnswer(said, 4).facts).toEqual({
      caption: "A cup falls.",
      events: [],
      counts: [],
      contrasts: [],
    });
});

test.each([
  ["", "empty"],
  ["I cannot see the video.", "no JSON"],
  ['{"caption": ', "no JSON"],
  ["[]", "not the answer that was asked for"],
  ['{"caption": "  "}', "not the answer that was asked for: caption"],
  ['{"caption": 7}', "caption"],
  ['{"caption": "A cup.", "events": "none"}', "events"],
])("%j is no answer: %s", (said, reason) => {
  const read = (): unknown => readTeacherAnswer(said, 4);
  expect(read).toThrow(UnusableAnswer);
  expect(read).toThrow(reason === "empty" ? "without text" : reason);
});

test("each part that cannot be used is left out with its reason, and nothing else", () => {
  const { facts, dropped } = readTeacherAnswer(
    JSON.stringify({
      ...whole,
      events: [
        ...whole.events,
        { what: "late", start: 5, end: 6 },
        { what: "backwards", start: 3, end: 2 },
        { what: "", start: 1, end: 2 },
        { what: "words", start: "1", end: 2 },
        "a cup",
      ],
      counts: [{ what: "blinks", times: 1.5 }, { what: "blinks", times: 0 }, ...whole.counts],
      contrasts: [
        { question: "Say what happens.", right: "a", wrong: "b" },
        { question: "Which hand?", right: "Left", wrong: "left" },
        ...whole.contrasts,
      ],
    }),
    4,
  );
  expect(facts.events).toHaveLength(2);
  expect(facts.counts).toEqual(whole.counts);
  expect(facts.contrasts).toEqual(whole.contrasts);
  expect(dropped.map((reason) => reason.split(":")[0])).toEqual([
    ...["event 3", "event 4", "event 5", "event 6", "event 7"],
    ...["count 1", "count 2", "contrast 1", "contrast 2"],
  ]);
});

test("whatever a model says, it is facts inside of the clip or an unusable answer", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((one) => `{"caption":"x","events":[${one}]}`),
      ),
      (said) => {
        try {
          const { facts } = readTeacherAnswer(said, 4);
          expect(facts.caption).not.toBe("");
          for (const { startSeconds, endSeconds } of facts.events) {
            expect(startSeconds).toBeLessThan(endSeconds);
            expect(endSeconds).toBeLessThanOrEqual(4);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(UnusableAnswer);
        }
      },
    ),
  );
});

test.each([
  ['{"caption": "A cup falls.", "caption": "A dog runs."}', '"caption" stands twice in one object'],
  ['{"caption": "A cup falls.", "events": [{"what": "a", "what": "b"}]}', '"what" stands twice'],
  ['{"caption": "狗跳过了栅栏。"}', "the caption is not English, as was asked: its letters are Han"],
  ['{"caption": "A cup falls.", "counts": [{"what": "a fall", "times": NaN}]}', "the answer is no JSON"],
])("%s is no answer: two values, another language and no numbers are not chosen between", (said, reason) => {
  expect(() => readTeacherAnswer(said, 4)).toThrow(reason);
});

test("fields that nobody asked for say nothing, and numbers beyond all bounds are left out and told", () => {
  const { facts, dropped } = readTeacherAnswer(
    `{"caption": "A cup falls.", "mood": "sad", "events": [{"what": "a fall", "start": 1, "end": 1e999},
      {"what": "a fall", "start": 1, "end": 2, "confidence": 0.2}], "counts": [{"what": "a fall", "times": 1e999}]}`,
    4,
  );
  expect(facts).toEqual({
    caption: "A cup falls.",
    events: [{ what: "a fall", startSeconds: 1, endSeconds: 2 }],
    counts: [],
    contrasts: [],
  });
  expect(dropped.map((reason) => reason.split(":")[0])).toEqual(["event 1", "count 1"]);
});
