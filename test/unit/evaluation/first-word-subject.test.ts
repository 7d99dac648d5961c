import { afterAll, beforeAll, expect, test } from "vitest";
import { segmentsBatch } from "../../../src/batch/segments-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { Sample } from "../../../src/dataset/sample.ts";
import { firstWordSubject } from "../../../src/evaluation/first-word-subject.ts";
import type { AnswerRequest, Subject } from "../../../src/evaluation/subject.ts";

import type { Trainee } from "../../../src/training/loop.ts";
import { clipOf, noiseStep, tinyTokens, tinyTrainee } from "../training/tiny.ts";

const random = seededRandom("subject");
/** Three steps of two frames for each of three clips. */
const steps = Array.from({ length: 3 }, () => Array.from({ length: 3 }, () => noiseStep(random)));
const prompts = [[20, 21], [22], [23, 24, 25]];

let trainee: Trainee;
let subject: Subject;
let passes = 0;
beforeAll(() => {
  trainee = tinyTrainee("");
  const { engine, rules, tokens } = trainee;
  const counting = Object.assign(Object.create(engine) as typeof engine, {
    forward: (...given: Parameters<typeof engine.forward>) => {
      passes++;
      return engine.forward(...given);
    },
  });
  subject = firstWordSubject({
    name: "tiny",
    recipe: { name: "tiny", params: {} },
    engine: counting,
    rules,
    tokens,
    prompt: ({ id }) => prompts[Number(id.split(" ")[1])]!,
    decode: (ids) => ids.join(" "),
    patches: ({ clip }, { shown_T }) =>
      clipOf(shown_T.map((frame) => steps[Number(clip.sha256)]![frame ?? 0]!)),
    clipsPerPass: 2,
  });
});
afterAll(() => trainee.engine[Symbol.asyncDispose]());

const request = (clip: number, prompt: number, shown: readonly number[], blind = false): AnswerRequest =>
  ({
    sample: {
      id: `${clip} ${prompt}`,
      clip: { sha256: String(clip), file: "", timeline: [] },
    } as unknown as Sample,
    positions_T: shown,
    view: { shown_T: shown, ...(blind ? { withoutVideo: true } : {}) },
  }) as unknown as AnswerRequest;

/** The same question alone, drawn greedily by the sampler. */
const alone = async (
  clip: number,
  prompt: number,
  shown: readonly number[],
  blind: boolean,
): Promise<string> => {
  const tokens = prompts[prompt]!;
  const shownSteps = clipOf(shown.map((step) => steps[clip]![step]!));
  const row = { clip: shownSteps, blind, texts: [{ tokens, scoredFrom: tokens.length, next: true }] };
  const { batch, ends } = segmentsBatch([row], trainee.rules, { tokens: tinyTokens, prefill: true });
  const [drawn] = await trainee.engine.sample({
    batch,
    nextPositions: ends.map(({ nextPosition }) => nextPosition),
    completions: 1,
    maxNewTokens: 1,
    temperature: 0,
    stopTokens: [],
    seed: "alone",
  });
  return drawn![0]!.tokens.join(" ");
};

test("many questions about clips of several lengths, seen and blind, are each answered as though asked alone", async () => {
  const asked: [number, number, number[], boolean][] = [];
  for (const clip of [0, 1, 2])
    for (const prompt of [0, 1, 2]) {
      asked.push([clip, prompt, [0, 1, 2], false], [clip, prompt, [2, 1], false]);
      asked.push([clip, prompt, [0, 1, 2], true]);
    }
  const shuffled = random.shuffled(asked);
  const answers = await subject.answer(shuffled.map((one) => request(...one)));
  const expected = await Promise.all(shuffled.map((one) => alone(...one)));
  expect(answers.map(({ text }) => text)).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(2);
  // Three kinds of three clips, two clips a pass: six passes for 27 questions.
  expect(passes).toBe(6);
});

test("a signal stops it between passes", async () => {
  const stop = new AbortController();
  stop.abort();
  await expect(subject.answer([request(0, 0, [0, 1, 2])], stop.signal)).rejects.toThrow(/abort/i);
});
