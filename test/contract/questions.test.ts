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
  })
  .map(({ events, durationSeconds, ...rest }) => ({
    ...rest,
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
        if (options !== undefined) expect(new Set(options).size).toBe(options.length);
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
