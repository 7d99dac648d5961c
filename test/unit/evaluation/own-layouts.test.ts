import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { type ScoreResult, score } from "../../../src/jobs/score.ts";

const folder = mkdtempSync(join(tmpdir(), "own-layouts-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
};
const scored = (benchmark: string, annotations: string, predictions: string): Promise<ScoreResult> =>
  score(
    { benchmark, annotations, predictions, mode: "strict" },
    { signal: new AbortController().signal, progress: () => silentProgress, warn: () => {} },
  );

describe("answers that are named by their place in a list", () => {
  const question = (at: number): string => `Which of ${at}?\nA. up\nB. down`;
  const rights = ["A", "B", "A", "B"].map((letter) => `${letter}. ${letter === "A" ? "up" : "down"}`);
  const items = rights.map((answer, at) => ({ question: question(at), answer }));
  const annotations = write("multi-choice.json", { "7": { order: items } });
  const answered = items.map((item) => ({ ...item, prediction: item.answer }));
  const predicted = (name: string, list: readonly object[]): string =>
    write(`said-${name}`, { "7": { order: list } });

  test("an item that is not there moves none of those behind it: it is missing, they are right", async () => {
    const result = await scored("tempcompass", annotations, predicted("cut.json", answered.slice(1)));
    expect(result).toMatchObject({
      scored: 4,
      outcomes: { right: 3, missing: 1 },
      ids: { missing: ["7/order/0"] },
    });
  });
  test("an answer to a question that is not there belongs to none; one question twice counts once", async () => {
    const list = [answered[0]!, { ...answered[1]!, question: "What else?" }, answered[0]!, answered[3]!];
    const result = await scored("tempcompass", annotations, predicted("odd.json", list));
    expect(result).toMatchObject({
      scored: 4,
      outcomes: { right: 2, missing: 2 },
      ids: { unknown: ["7/order/1 (another question)"], repeated: ["7/order/0"] },
    });
  });
  test("without questions places count, and other spacing is the same question", async () => {
    const bare = answered.map(({ prediction }) => ({ prediction }));
    expect((await scored("tempcompass", annotations, predicted("bare.json", bare))).accuracy.value).toBe(1);
    const spaced = answered.map((one) => ({ ...one, question: `${one.question.replaceAll("\n", " ")} ` }));
    const result = await scored("tempcompass", annotations, predicted("spaced.json", spaced));
    expect([result.accuracy.value, result.unknown]).toEqual([1, 0]);
  });
  test("all that a model was told is the question that it holds, in its place only", async () => {
    const told = answered.map((one) => ({ ...one, question: `${one.question}\nGive the best option:` }));
    const result = await scored("tempcompass", annotations, predicted("told.json", told));
    expect([result.accuracy.value, result.unknown]).toEqual([1, 0]);
    const cut = await scored(
      "tempcompass",
      annotations,
      predicted("told.json", [told[0]!, ...told.slice(2)]),
    );
    expect(cut).toMatchObject({ outcomes: { right: 1, missing: 3 } });
  });
  test("TimeChat's sentences say which line they answer", async () => {
    const lines = write("charades.txt", "V1 0.0 10.0##a person sits.\nV2 0.0 10.0##a person stands.\n");
    const span = (query: string, end: number): object => ({ timestamp: [[0, end]], query, vid: "x" });
    const moved = { "0": span("a person stands.", 10), "1": span("a person sits.", 5) };
    const result = await scored("charades-sta", lines, write("pred.json", moved));
    expect(result.records.map(({ questionId, scoreStrict }) => [questionId, scoreStrict])).toEqual([
      ["0", 0.5],
      ["1", 1],
    ]);
    const strangers = { "0": span("nobody sits.", 10), "1": span("a dog runs.", 5) };
    await expect(scored("charades-sta", lines, write("pred-2.json", strangers))).rejects.toThrow(
      "no prediction belongs to a question",
    );
  });
});

test("lines of a benchmark's own layout may stand in one list", async () => {
  const windows = [[2, 10]];
  const annotations = write(
    "highlights.jsonl",
    [1, 2]
      .map((qid) => JSON.stringify({ qid, query: "q", vid: `v${qid}_0_9`, relevant_windows: windows }))
      .join("\n"),
  );
  const rows = [1, 2].map((qid) => ({ qid, pred_relevant_windows: [[2, 10, 0.9]] }));
  const result = await scored("qvhighlights", annotations, write("preds.json", rows));
  expect(result).toMatchObject({ scored: 2, missing: 0, outcomes: { right: 2 } });
  const odd = write("preds-odd.json", [rows[0], { query: "no id" }]);
  expect((await scored("qvhighlights", annotations, odd)).ids).toMatchObject({
    missing: ["2"],
    unknown: [expect.stringMatching(/preds-odd\.json, row 2$/)],
  });
});

test("NExT-QA's results number the options from 0; what is no option is wrong", async () => {
  const annotations = write(
    "next.csv",
    [
      "video_id,question,answer,qid,type,a0,a1,a2,a3,a4",
      ...[0, 1, 2, 3].map((at) => `40${at},why,${at},${at},CH,one,two,three,four,five`),
    ].join("\n"),
  );
  const results = Object.fromEntries(
    [0, 1, 4, 7].map((prediction, at) => [`40${at}_${at}`, { prediction, answer: at }]),
  );
  const { outcomes } = await scored("next-qa", annotations, write("results.json", results));
  expect(outcomes).toMatchObject({ right: 2, wrong: 1, unread: 1 });
});

test("numbers that the annotations do not reach are named, and what VLMEvalKit writes for a failure is one", async () => {
  const list = [0, 1].map((at) => ({
    video: `${at}.mp4`,
    question: "q?",
    candidates: ["up", "down"],
    answer: "up",
  }));
  const annotations = write("action_sequence.json", list);
  const rows = (...said: readonly (readonly [number, string])[]): string =>
    said.map(([index, prediction]) => JSON.stringify({ index, prediction, answer: "up" })).join("\n");
  const beyond = write("beyond.jsonl", rows([1, "A"], [2, "A"]));
  await expect(scored("mvbench", annotations, beyond)).rejects.toThrow(
    "numbers of 2 questions, counted from 0; got 2",
  );
  const failed = write("failed.jsonl", rows([0, "A"], [1, "Failed to obtain answer via API."]));
  expect((await scored("mvbench", annotations, failed)).outcomes).toMatchObject({ right: 1, failed: 1 });
});
