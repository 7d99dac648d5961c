import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { questionText } from "../../../src/dataset/question.ts";
import { benchmarkRegistry } from "../../../src/evaluation/benchmarks.ts";
import { rotateOptions } from "../../../src/evaluation/rotation.ts";
import { type ScoreResult, score } from "../../../src/jobs/score.ts";

const folder = mkdtempSync(join(tmpdir(), "moment-video-"));
afterAll(() => rmSync(folder, { recursive: true }));

const row = (Index: string, AnswerType: string, Question: string, Answer: string): object => ({
  ...{ Category: "a", Subclass: "b", Index, QuestionType: AnswerType === "open" ? "TC" : "TO" },
  ...{ AnswerType, Question, Answer },
});
const annotations = join(folder, "annotations.json");
writeFileSync(
  annotations,
  JSON.stringify([
    row("1", "open", "How many?", "3 times"),
    row("2", "closed", "What ends it?\n(a) A fall.\n(b) A call.\n(c) A jump.", "(b)"),
    row("3", "closed", "What starts it?\n(a) A dog.\n(b) A cat.", "(a)"),
  ]),
);
const named = "moment-video:permutations=true";

test("every closed question is asked as often as it has options: its right option changes places with each of them", async () => {
  const { value } = await benchmarkRegistry.choose(named);
  const asked = await value.samples(annotations);
  expect(asked.map(({ id, options, answer }) => [id, options, answer])).toEqual([
    ["a/b/1", undefined, "3"],
    ["a/b/2~0", ["A call.", "A fall.", "A jump."], "A"],
    ["a/b/2", ["A fall.", "A call.", "A jump."], "B"],
    ["a/b/2~2", ["A fall.", "A jump.", "A call."], "C"],
    ["a/b/3", ["A dog.", "A cat."], "A"],
    ["a/b/3~1", ["A cat.", "A dog."], "B"],
  ]);
  expect(new Set(asked.map(({ clip }) => clip.file)).size).toBe(3);
  // Turning them once more would ask each order several times.
  const { samples, fixed } = rotateOptions(
    asked,
    (sample) => value.prompt!(sample).text + questionText(sample),
  );
  expect(samples).toEqual(asked);
  expect(fixed.map(({ what, ids }) => [what, ids.length])).toContainEqual([
    "options not turned: asked in several orders already",
    5,
  ]);
});

const scored = async (answers: Readonly<Record<string, string>>): Promise<ScoreResult> => {
  const predictions = join(folder, "said.json");
  writeFileSync(predictions, JSON.stringify(answers));
  return await score(
    { benchmark: named, annotations, predictions, mode: "official" },
    { signal: new AbortController().signal, progress: () => silentProgress, warn: () => {} },
  );
};
const metric = (result: ScoreResult, name: string): number =>
  result.metrics.find((one) => one.name === name)!.value!.value;

test("a question counts when it is right in every order; who always says the same letter gets nothing", async () => {
  const right = { "a/b/1": "3", "a/b/2~0": "(a)", "a/b/2": "(b)", "a/b/2~2": "(c)" };
  const one = await scored({ ...right, "a/b/3": "(a)", "a/b/3~1": "(b)" });
  expect(one.metrics[0]!.name).toBe("right-in-every-order");
  expect([metric(one, "right-in-every-order"), metric(one, "consistent")]).toEqual([1, 1]);
  const other = await scored({ ...right, "a/b/3": "(a)", "a/b/3~1": "(a)" });
  expect(metric(other, "right-in-every-order")).toBeCloseTo(2 / 3, 12);
  expect(metric(other, "consistent")).toBe(1 / 2);
  expect(other.skills.map(({ skill, headline }) => [skill, headline!.value!.value])).toEqual([
    ["TC", 1],
    ["TO", 1 / 2],
  ]);
  // The same wrong option wherever it stands: consistent, and wrong.
  const wrong = await scored({ ...right, "a/b/3": "(b)", "a/b/3~1": "(a)" });
  expect([metric(wrong, "right-in-every-order"), metric(wrong, "consistent")]).toEqual([2 / 3, 1]);
  const missing = await scored({ ...right, "a/b/3": "(a)" });
  expect(missing.missing).toBe(1);
  expect(metric(missing, "right-in-every-order")).toBeCloseTo(2 / 3, 12);
});

test("asked once by default, as before", async () => {
  const { value } = await benchmarkRegistry.make("moment-video");
  expect((await value.samples(annotations)).map(({ id }) => id)).toEqual(["a/b/1", "a/b/2", "a/b/3"]);
  expect(value.metrics).toEqual(["accuracy", "macro-accuracy"]);
});
