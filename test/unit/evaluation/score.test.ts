import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { CommandContext, CommandResult } from "../../../src/cli/command.ts";
import score from "../../../src/cli/commands/score.ts";
import { silentProgress } from "../../../src/core/progress.ts";
import { readPredictions } from "../../../src/evaluation/predictions.ts";
import { type EvaluationRecord, writeRecord } from "../../../src/evaluation/records.ts";
import { report } from "../../../src/jobs/report.ts";
import type { ScoreResult } from "../../../src/jobs/score.ts";
import { recordOf } from "../../contract/record-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "score-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: string): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};
const annotations = new URL("../../contract/benchmark-data/motionbench.jsonl", import.meta.url).pathname;
const context: CommandContext = {
  json: true,
  signal: new AbortController().signal,
  progress: () => silentProgress,
  warn: () => {},
};
const run = async (benchmark: string, options: Record<string, string>): Promise<CommandResult> =>
  await score.run([benchmark], { annotations, mode: "strict", ...options }, context);

/** A metric of a score in per cent. */
const metric = (result: unknown, name: string): number =>
  100 * (result as ScoreResult).metrics.find((one) => one.name === name)!.value!.value;

describe("score motionbench", () => {
  test("strict reads a sentence, official keeps the original's error; hidden answers are not scored", async () => {
    const predictions = write(
      "p.json",
      JSON.stringify({ u1: "The answer is C.", u3: "F", u2: "A", gone: "A" }),
    );
    const strict = (await run("motionbench", { predictions })).json as ScoreResult;
    expect(strict).toMatchObject({ scored: 2, withoutPublishedAnswer: 1, missing: 0, unknown: 1 });
    expect(strict.ids.unknown).toEqual(["gone"]);
    expect(strict.accuracy.value).toBe(1);
    expect([metric(strict, "macro-accuracy"), metric(strict, "answered-rate")]).toEqual([100, 100]);
    expect(strict.chance).toBeCloseTo((1 / 4 + 1 / 6) / 2, 12);
    const official = (await run("motionbench", { predictions, mode: "official" })).json as ScoreResult;
    expect(official.accuracy.value).toBe(0.5);
    expect(official.skills.map(({ skill, accuracy }) => [skill, accuracy.value])).toEqual([
      ["Motion Recognition", 0],
      ["Repetition Count", 1],
    ]);
  });
  test("a missing prediction is wrong and named, an unreadable one is counted", async () => {
    const question = { uid: "u4", question: "Which?\nA. a\nB. b", answer: "A" };
    const all = write(
      "q-annotations.jsonl",
      `${readFileSync(annotations, "utf8").trim()}\n${JSON.stringify({ question_type: "X", video_path: "v", qa: [question] })}\n`,
    );
    const predictions = write(
      "q.jsonl",
      '{"uid": "u1", "prediction": "I cannot tell"}\n{"uid": "u4", "prediction": "A"}\n',
    );
    const { json, text } = await run("motionbench", { annotations: all, predictions });
    expect(json).toMatchObject({
      missing: 1,
      accuracy: { value: 1 / 3 },
      outcomes: { unread: 1, missing: 1, right: 1 },
    });
    expect(metric(json, "parse-fail-rate")).toBe(50);
    expect(metric(json, "answered-rate")).toBeCloseTo(200 / 3, 10);
    expect(text).toContain("missing (counted wrong) 1: u3");
    expect(text).toContain("Repetition Count");
  });
  test("every metric has an interval that its own value lies in", async () => {
    const predictions = write("i.json", '{"u1": "C", "u3": "A"}');
    const { metrics } = (await run("motionbench", { predictions })).json as ScoreResult;
    expect(metrics.map(({ name }) => name)).toEqual([
      "accuracy",
      "macro-accuracy",
      "answered-rate",
      "parse-fail-rate",
      "error-rate",
      "length-stopped-rate",
    ]);
    for (const { value } of metrics) {
      expect(value!.low).toBeLessThanOrEqual(value!.value);
      expect(value!.high).toBeGreaterThanOrEqual(value!.value);
      expect(value!.clusters).toBe(2);
    }
    expect(metrics[0]!.value).toMatchObject({ value: 0.5, low: 0, high: 1 });
  });
});

describe("layouts of predictions", () => {
  const right = { u1: "C", u3: "F" };
  const rows = Object.entries(right);
  test.each([
    [
      "array of question_id and prediction",
      JSON.stringify(rows.map(([id, text]) => ({ question_id: id, prediction: text }))),
    ],
    [
      "array over several lines",
      JSON.stringify(
        rows.map(([id, text]) => ({ questionId: id, output: text })),
        null,
        1,
      ),
    ],
    ["lines", rows.map(([id, text]) => JSON.stringify({ id, answer: text })).join("\n")],
    ["one object", JSON.stringify(right)],
    ["one object over several lines", JSON.stringify(right, null, 2)],
    [
      "object of objects",
      JSON.stringify(Object.fromEntries(rows.map(([id, text]) => [id, { pred: text, GT: "A" }]))),
    ],
    ["byte order mark", `\uFEFF${JSON.stringify(right)}`],
    [
      "line ends of Windows",
      rows.map(([id, text]) => JSON.stringify({ qid: id, response: text })).join("\r\n"),
    ],
    // The reference stands beside the prediction: taking it for the answer would give every file full marks.
    [
      "reference beside the prediction",
      JSON.stringify(rows.map(([id, text]) => ({ id, answer: "A", prediction: text }))),
    ],
    [
      "records",
      rows.map(([questionId, rawOutput]) => writeRecord(recordOf({ questionId, rawOutput }))).join("\n"),
    ],
  ])("%s", async (name, content) => {
    const { json } = await run("motionbench", { predictions: write(`layout ${name}.json`, content) });
    expect(json).toMatchObject({ accuracy: { value: 1 }, missing: 0, unknown: 0, scored: 2 });
  });
  test("numbers are texts", async () => {
    const predictions = readPredictions(write("numbers.json", '{"u1": 3}'));
    expect(predictions.views[0]!.answers[0]!.get("u1")).toMatchObject({ text: "3" });
    expect(predictions.unusable).toEqual([]);
  });
});

describe("what does not fit is named, and changes no denominator", () => {
  test("answers that are no text count as missing; questions answered twice keep their first answer", async () => {
    const predictions = write(
      "odd.jsonl",
      [
        '{"id":"u3","answer":null}',
        '{"id":"u1","answer":"C"}',
        '{"id":"u1","answer":"A"}',
        '{"id":"u9","answer":["B"]}',
      ].join("\n"),
    );
    const { json, text } = await run("motionbench", { predictions });
    expect(json).toMatchObject({
      scored: 2,
      accuracy: { value: 0.5, questions: 2 },
      missing: 1,
      repeated: 1,
      unusable: 1,
      unknown: 1,
      ids: { missing: ["u3"], repeated: ["u1"], unusable: ["u3"], unknown: ["u9"] },
    });
    expect(text).toContain("answered twice (the first counts) 1: u1");
    expect(text).toContain("answers that are no text (counted missing) 1: u3");
  });
  test.each([
    ["csv", "q_uid,answer\nid-1,0\nid-2,\nid-3,7\n"],
    ["json", '[{"q_uid":"id-1","answer":0},{"q_uid":"id-2","answer":""},{"q_uid":"id-3","answer":7}]'],
    ["json", '{"id-1":0,"id-2":null,"id-3":7}'],
  ])(
    "EgoSchema's submissions number the options from 0; what is no option is wrong, never the first (%s)",
    async (ending, content) => {
      const { json } = await score.run(
        ["egoschema"],
        {
          annotations: write("ego.json", '{"id-1": 0, "id-2": 0, "id-3": 0}'),
          predictions: write(`sent.${ending}`, content),
          mode: "strict",
        },
        context,
      );
      expect(json).toMatchObject({ scored: 3, outcomes: { right: 1 }, unknown: 0 });
    },
  );
  test("rows that are not in a benchmark's own layout as the others are, are named, not passed over", async () => {
    const own = new URL("../../contract/benchmark-data/qvhighlights.jsonl", import.meta.url).pathname;
    const predictions = write(
      "preds.jsonl",
      [
        '{"qid": 1, "pred_relevant_windows": [[2, 10, 0.9]]}',
        '{"qid": 2, "pred_relevant_windows": null}',
        '{"query": "no id"}',
      ].join("\n"),
    );
    const { json } = await score.run(
      ["qvhighlights"],
      { annotations: own, predictions, mode: "strict" },
      context,
    );
    expect(json).toMatchObject({
      scored: 2,
      ids: { missing: ["2"], unusable: ["2"], unknown: [expect.stringMatching(/preds\.jsonl:3$/)] },
    });
  });
  test("long lists of names are cut, the number is not", async () => {
    const strangers = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`x${i}`, "A"]));
    const { text } = await run("motionbench", {
      predictions: write("many.json", JSON.stringify({ u1: "C", ...strangers })),
    });
    expect(text).toContain("unknown predictions (not counted) 9: x0, x1, x2, x3, x4, and 4 more");
  });
  test.each([
    [
      "no id matches",
      '{"a": "A", "b": "B"}',
      "no prediction belongs to a question of the benchmark",
      "ids such as u1",
    ],
    ["no answer has text", '{"u1": null, "u3": null}', "no prediction has text", "null"],
    ["every answer is empty", '{"u1": "", "u3": " "}', "no prediction has text", "2 empty texts"],
    ["only hidden answers", '{"u2": "A"}', "a question with a published answer", "ids such as u1, u3"],
    [
      "numbers where letters are asked for",
      '{"u1": 77}',
      "no answer could be read",
      'the first, of u1: "77"',
    ],
  ])("%s: an error, never 0.0 %% with exit status 0", async (name, content, what, detail) => {
    const error = await run("motionbench", { predictions: write(`${name}.json`, content) }).catch(
      (thrown: Error) => thrown,
    );
    expect((error as Error).message).toContain(what);
    expect((error as Error).message).toContain(detail);
  });
});

describe("parts of a data set, and our own records", () => {
  const row = (id: string, split: string | undefined, answer: string): string =>
    JSON.stringify({
      id,
      clip: {
        file: `clips/${id[0]}.mp4`,
        sha256: id[0]!.repeat(64),
        timeline: { count: 16, framesPerSecond: 4 },
      },
      messages: [{ role: "user", content: [{ type: "text", text: "what happens ?" }] }],
      answer,
      answerKind: id.endsWith("caption") ? "open" : "choice",
      ...(id.endsWith("caption") ? {} : { options: ["hop", "flash"] }),
      skill: "motion-recognition",
      ...(split === undefined ? {} : { split }),
      provenance: {},
    });
  const rows = (parts: boolean): string =>
    [
      ...["a", "b", "c"].map((clip) => row(`${clip}-what`, parts ? "train" : undefined, "hop")),
      ...["d", "e"].flatMap((clip) => [
        row(`${clip}-what`, parts ? "test" : undefined, "flash"),
        row(`${clip}-caption`, parts ? "test" : undefined, "a disc flashes"),
      ]),
    ].join("\n");
  const withParts = write("parts.jsonl", rows(true));
  const answered = (over: Partial<EvaluationRecord>): string =>
    writeRecord(recordOf({ benchmarkParams: { answerKinds: ["choice"] }, ...over }));
  const absent = { intervention: { name: "absent", params: {} } };
  const control = { intervention: { name: "random-removal", params: {} } };
  const records = write(
    "own.jsonl",
    [
      answered({ questionId: "d-what", rawOutput: "flash" }),
      answered({ questionId: "e-what", rawOutput: "hop" }),
      answered({ questionId: "d-what", rawOutput: "hop", ...absent }),
      answered({ questionId: "e-what", rawOutput: "hop", ...absent }),
      ...[0, 1].map((draw) =>
        answered({ questionId: "d-what", rawOutput: draw === 0 ? "flash" : "hop", draw, ...control }),
      ),
    ].join("\n"),
  );
  test("our own records are scored against the part and the kinds of questions that were asked, view by view", async () => {
    const { json, text } = await run("world", { annotations: withParts, predictions: records });
    expect(json).toMatchObject({
      split: "test",
      scored: 2,
      missing: 0,
      unknown: 0,
      repeated: 0,
      accuracy: { value: 0.5 },
      otherParts: { train: 3 },
      views: [
        { intervention: "absent", accuracy: { value: 0 }, scored: 2 },
        // One question, two draws of the control.
        { intervention: "random-removal", accuracy: { value: 0.5, questions: 1 }, scored: 2 },
      ],
    });
    expect(text).toContain('shown as "absent": 0.0');
    expect(text).toContain("rows of other parts (not asked): train 3");
  });
  test("plain predictions are scored on what was held out, unless another part is asked for", async () => {
    const predictions = write("plain.json", '{"d-what": "flash", "e-what": "flash", "a-what": "hop"}');
    const held = await run("world", { annotations: withParts, predictions });
    expect(held.json).toMatchObject({
      split: "test",
      scored: 4,
      missing: 2,
      unknown: 1,
      ids: { unknown: ["a-what"] },
    });
    const closed = await run('world:answerKinds=["choice"]', {
      annotations: withParts,
      predictions,
      split: "test",
    });
    expect(closed.json).toMatchObject({ scored: 2, missing: 0, accuracy: { value: 1 } });
    const train = await run("world", { annotations: withParts, predictions, split: "train" });
    expect(train.json).toMatchObject({ split: "train", scored: 3, missing: 2 });
    const all = await run("world", { annotations: withParts, predictions, split: "all" });
    expect(all.json).toMatchObject({ split: null, scored: 7, missing: 4, unknown: 0 });
  });
  test("a part that is not there is named with those that are", async () => {
    await expect(
      run("world", { annotations: withParts, predictions: records, split: "dev" }),
    ).rejects.toThrow(/--split dev; expected one of train, test, all/);
    const plain = write("no-parts.jsonl", rows(false));
    await expect(run("world", { annotations: plain, predictions: records, split: "test" })).rejects.toThrow(
      "name no parts",
    );
    expect((await run("world", { annotations: plain, predictions: records })).json).toMatchObject({
      split: null,
      scored: 5,
    });
  });
  test("records of two subjects are no prediction file", async () => {
    const two = write(
      "two.jsonl",
      ["s", "t"].map((subject) => answered({ subject, questionId: "d-what" })).join("\n"),
    );
    await expect(run("world", { annotations: withParts, predictions: two })).rejects.toThrow(
      "records of several subjects",
    );
  });
});

test("a question that stands twice in the annotations is asked once, and named", async () => {
  const question = '{"uid":"u1","question":"W?\\nA. a\\nB. b","answer":"A"}';
  const file = write("twice.jsonl", `{"question_type":"X","video_path":"v","qa":[${question},${question}]}`);
  const { json, text } = await run("motionbench", {
    predictions: write("one.json", '{"u1":"A"}'),
    annotations: file,
  });
  expect(json).toMatchObject({
    scored: 1,
    accuracy: { value: 1 },
    irregular: [{ what: "stands twice in the annotations (the first counts)", ids: ["u1"] }],
  });
  expect(text).toContain("odd in the annotations: stands twice in the annotations (the first counts), 1: u1");
});

describe("mistakes are named in one line", () => {
  const good = write("good.json", '{"u1": "C"}');
  test.each([
    ["unknown benchmark", "motionbnch", { predictions: good }, 'did you mean "motionbench"'],
    [
      "no official rule",
      "world",
      { predictions: good, mode: "official", annotations: annotations.replace("motionbench", "world") },
      "--mode strict",
    ],
    [
      "missing annotations",
      "world",
      { predictions: good, annotations: join(folder, "none") },
      "cannot read file or folder of samples of a data set",
    ],
    [
      "empty folder",
      "world",
      { predictions: good, annotations: folder },
      "no samples of a data set in the folder",
    ],
    ["wrong annotations", "world", { predictions: good }, "not a sample"],
    [
      "missing predictions",
      "motionbench",
      { predictions: join(folder, "none") },
      "cannot read file or folder of predictions",
    ],
    [
      "no answer field",
      "motionbench",
      { predictions: write("f.jsonl", '{"id":"u1"}\n{"id":"u2"}') },
      "not a prediction",
    ],
    ["empty file", "motionbench", { predictions: write("e.jsonl", "\n") }, "no predictions"],
    ["an object without answers", "motionbench", { predictions: write("e.json", "{}") }, "no predictions"],
    ["a list without answers", "motionbench", { predictions: write("l.json", "[]") }, "no predictions"],
    [
      "a table with its head alone",
      "motionbench",
      { predictions: write("h.csv", "id,answer\n") },
      "no predictions",
    ],
  ])("%s", async (_, benchmark, options, message) => {
    const error = await run(benchmark, options as Record<string, string>).catch((thrown: Error) => thrown);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("\n");
  });
  test.each([
    [
      "no options",
      '{"question_type":"X","video_path":"v","qa":[{"uid":"u","question":"What?","answer":"A"}]}',
      "lettered options",
    ],
    [
      "answer beyond the options",
      '{"question_type":"X","video_path":"v","qa":[{"uid":"u","question":"What?\\nA. a\\nB. b","answer":"C"}]}',
      "none of its options",
    ],
    ["another file", '{"a":1}', "not a MotionBench video"],
    [
      "another layout",
      '{"question_type":3,"video_path":"v","qa":[]}',
      "question_type: Invalid input: expected string or array, received number",
    ],
    ["nothing of it", "{}", 'expected lines {"question_type": ..., "video_path": ...'],
  ])("annotations: %s", async (name, row, message) => {
    const file = write(`${name}.jsonl`, row);
    await expect(run("motionbench", { predictions: good, annotations: file })).rejects.toThrow(message);
  });
});

test("--out writes records and a report that is made again from them; another score does not overwrite it", async () => {
  const out = join(folder, "scored");
  const predictions = write("out.json", JSON.stringify({ u1: "The answer is C.", u3: "A" }));
  const { json } = await run("motionbench", { predictions, mode: "official", out });
  const { report: file, accuracy } = json as ScoreResult & { readonly report: string };
  expect(file).toBe(join(out, "report.html"));
  const page = readFileSync(file, "utf8");
  // By the official rule both are wrong; strictly one is right.
  expect(accuracy.value).toBe(0);
  expect(page).toContain("<b>0.0</b>");
  expect(page).not.toContain("<b>50.0</b>");
  expect(page).toContain("--mode official");
  const again = await report(out, context);
  expect(readFileSync(again.file, "utf8")).toBe(page);
  expect(again.model.rows.map(({ name }) => name)).toEqual(["out"]);
  await expect(run("motionbench", { predictions, out })).rejects.toThrow("another configuration");
});
