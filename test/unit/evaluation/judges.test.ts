import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { consistencyOf } from "../../../src/evaluation/scorers/moment-video.ts";
import { captionRating } from "../../../src/evaluation/scorers/tempcompass.ts";
import { evaluateSubject } from "../../../src/jobs/eval/eval.ts";
import { report } from "../../../src/jobs/report.ts";
import { type ScoreResult, type ScoringRequest, score } from "../../../src/jobs/score.ts";
import { writeScore } from "../../../src/jobs/write-score.ts";
import { recordsOf, worldRequest } from "../../e2e/eval-request.ts";
import { type StandIn, type StandInRequest, startStandIn, textOf } from "../../stand-in/openai-endpoint.ts";

const folder = mkdtempSync(join(tmpdir(), "judges-"));
const warned: string[] = [];
const context = {
  signal: new AbortController().signal,
  progress: () => silentProgress,
  warn: (line: string) => void warned.push(line),
};
let endpoint: StandIn;
let verdict: (request: StandInRequest) => string;
beforeAll(async () => {
  endpoint = await startStandIn({ answer: (request) => verdict(request) });
});
afterAll(async () => {
  await endpoint[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  warned.length = 0;
});
const write = (name: string, value: unknown): string => {
  const file = join(folder, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, JSON.stringify(value));
  return file;
};
const judge = (scorer: string): string => `${scorer}:judge=${endpoint.baseUrl}#judge,attempts=2`;
const scored = (request: Omit<ScoringRequest, "mode" | "cache">): Promise<ScoreResult> =>
  score({ mode: "strict", cache: false, ...request }, context);
const rightOf = ({ records }: ScoreResult): Record<string, string> =>
  Object.fromEntries(records.map(({ questionId, outcome }) => [questionId, outcome]));

test("a caption is right when the judge's answer is the right option and names no other", () => {
  const right = "B. ice skating";
  for (const [said, rating] of [
    ["Reasoning: they skate.\nAnswer: B. ice skating", 1],
    ["Answer: B. skating on ice", 1],
    ["B. ice skating", 1],
    ["Answer: A. skiing, B. ice skating", 0],
    ["Answer: B. ice skating, A. skiing", 0],
    ["Answer: None of the choices are correct", 0],
    ["Answer: B", 0],
    ["Answer: A. skiing\nAnswer: B. ice skating", 1],
  ] as const)
    expect(captionRating(said, right), said).toBe(rating);
  expect(captionRating(" \n", right)).toBeUndefined();
});

test("TempCompass's captions: the judge answers the clip's first multiple-choice question from the caption alone", async () => {
  const choice = (stem: string, right: string): object => ({
    question: `${stem}\nA. a jump\nB. a fall`,
    answer: right,
  });
  const caption = {
    question:
      "Write a caption.\nInformation A: {'action': 'a fall'}\nInformation B: {'action': 'a jump'}\nGenerated Caption:",
    answer: "A. a fall",
  };
  const choices = {
    "7": { action: [choice("What happens?", "B. a fall"), choice("And what?", "A. a jump")] },
  };
  write("temp/multi-choice.json", choices);
  write("temp/captioning.json", { "7": { action: [caption, caption, caption, caption] } });
  const said = ["Somebody falls.</s>", "Somebody jumps.", null, "A riddle."];
  const predictions = write("said/captioning.json", {
    "7": { action: said.map((prediction) => ({ ...caption, prediction })) },
  });
  write("said/multi-choice.json", { "7": { action: ["B", "B"].map((prediction) => ({ prediction })) } });
  const asked: string[] = [];
  verdict = (request) => {
    asked.push(textOf(request));
    if (textOf(request).includes("riddle")) return "";
    return textOf(request).includes("falls")
      ? "Reasoning: it says so.\nAnswer: B. a fall"
      : "Answer: A. a jump";
  };
  const annotations = join(folder, "temp");
  const request = { benchmark: "tempcompass:judged=true", annotations, predictions: join(folder, "said") };
  const result = await scored({ ...request, scorers: [judge("tempcompass")] });
  expect(rightOf(result)).toEqual({
    "captioning/7/action/0": "right",
    "captioning/7/action/1": "wrong",
    "captioning/7/action/2": "missing",
    "captioning/7/action/3": "failed",
    "7/action/0": "right",
    "7/action/1": "wrong",
  });
  expect(warned).toEqual([expect.stringMatching(/^tempcompass: no number for 1 of 3 texts/)]);
  expect(result.accuracy).toMatchObject({ value: 2 / 6, questions: 6 });
  expect(result.metrics.find(({ name }) => name === "task-average")!.value!.value).toBe((1 / 4 + 1 / 2) / 2);
  // The caption and the first question, not what the model was asked; asked again while nothing is said.
  expect(asked).toHaveLength(4);
  expect(asked[0]).toMatch(
    /Video description: Somebody falls\.\nMultiple-choice question:\nWhat happens\?\nA\. a jump\nB\. a fall$/,
  );
  expect(asked.join("\n")).not.toMatch(/Information|And what|<\/s>/);
  expect(result.verified).toMatch(/^multiple choice only/);
  await expect(scored(request)).rejects.toThrow(
    /nobody judged: tempcompass; expected --scorer tempcompass:judge=BASE_URL#MODEL; got 4 answers/,
  );
  const alone = write("alone/captioning.json", { "7": { action: [caption] } });
  await expect(scored({ ...request, annotations: alone, predictions })).rejects.toThrow(/multi-choice\.json/);
  // Without it captions are named and not scored, as ever.
  const plain = await scored({ ...request, benchmark: "tempcompass" });
  expect(plain).toMatchObject({ scored: 2, withoutPublishedAnswer: 4 });
});

const questions = [
  { type: "open", QuestionType: "TC", Question: "How often?", Answer: "3 times" },
  { type: "open", QuestionType: "TO", Question: "What falls?", Answer: "A red cup." },
  { type: "open", QuestionType: "AD", Question: "Why?", Answer: "It was pushed." },
  { type: "closed", QuestionType: "TO", Question: "Which?\n(a) a cup\n(b) a plate", Answer: "(b)" },
].map(({ type, ...rest }, at) => ({
  ...{ Category: "animal", Subclass: "cats", Index: String(at), AnswerType: type },
  ...rest,
}));

test("Moment-Video's open answers are what the judge says, counts among them; what cannot be told is wrong", async () => {
  const annotations = write("moments.json", questions);
  const predictions = write("moments-said.json", {
    "animal/cats/0": "three times",
    "animal/cats/1": "a crimson mug",
    "animal/cats/2": "",
    "animal/cats/3": "(b)",
    "animal/cats/3~0": "(a)",
  });
  verdict = (request) =>
    textOf(request).includes("crimson")
      ? "I am not sure."
      : 'Fine: {"is_consistent": true, "reason": "the same count"}';
  const before = endpoint.requests.length;
  const request = { benchmark: "moment-video:judged=true", annotations, predictions };
  const result = await scored({ ...request, scorers: [judge("moment-video")] });
  expect(rightOf(result)).toEqual({
    "animal/cats/0": "right",
    "animal/cats/1": "wrong",
    "animal/cats/2": "empty",
    "animal/cats/3": "right",
  });
  expect([result.accuracy.value, result.verified]).toEqual([0.5, null]);
  expect(result.records.map(({ external }) => external?.["moment-video"]?.values)).toEqual([
    { consistent: 1, undecided: 0 },
    { consistent: 0, undecided: 1 },
    { consistent: 0, undecided: 0 },
    undefined,
  ]);
  const asked = endpoint.requests.slice(before);
  expect(asked.map(({ messages }) => messages[0]!.role)).toEqual(["system", "system"]);
  expect(asked.map(textOf).join("\n")).toMatch(/Reference: 3 times\nModel's answer: three times/);
  // A closed question is right only in every place; open ones are asked once.
  const all = await scored({
    ...request,
    benchmark: "moment-video:judged=true,permutations=true",
    scorers: [judge("moment-video")],
  });
  expect(all.metrics[0]).toMatchObject({ name: "right-in-every-order", value: { value: 2 / 4 } });
  // The report shows what the judge said, and asks nobody.
  const out = join(folder, "judged");
  const kept = { mode: "strict" as const, ...request, scorers: [judge("moment-video")] };
  await writeScore(out, kept, result, context);
  const count = endpoint.requests.length;
  const { model } = await report(out, context);
  expect([model.rows[0]!.complete.overall!.value, endpoint.requests.length]).toEqual([0.5, count]);
});

test.each([
  ['{"is_consistent": false, "reason": "x"}', false],
  ['```json\n{ "is_consistent" : TRUE }\n```', true],
  ['{"consistent": true}', null],
  ["true", null],
])("a verdict is read wherever it stands: %s", (said, expected) => {
  expect(consistencyOf(said)).toBe(expected);
});

test("eval refuses to ask what nobody would judge, and asks the judge about new answers only", async () => {
  const annotations = write("moments.json", questions);
  const predictions = write("moments-eval.json", {
    "animal/cats/0": "three times",
    "animal/cats/1": "a mug",
  });
  verdict = () => '{"is_consistent": true}';
  const request = {
    ...worldRequest(folder, `predictions:${predictions}`, join(folder, "eval"), {}),
    ...{ benchmark: "moment-video:judged=true", annotations },
  };
  await expect(evaluateSubject(request, context)).rejects.toThrow(
    /nobody judges: benchmark moment-video; expected --scorer moment-video:judge=/,
  );
  const judged = { ...request, scorers: [judge("moment-video")] };
  const first = await evaluateSubject(judged, context);
  expect(first.views[0]!.outcomes).toMatchObject({ right: 2, missing: 2 });
  const count = endpoint.requests.length;
  const again = await evaluateSubject(request, context);
  expect([again.views[0]!.outcomes, endpoint.requests.length]).toEqual([first.views[0]!.outcomes, count]);
  expect((await recordsOf(join(folder, "eval")))[0]).toMatchObject({ parseRule: "judge moment-video" });
  expect(readFileSync(again.report, "utf8")).toContain("judge");
});
