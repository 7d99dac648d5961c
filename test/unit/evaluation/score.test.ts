import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { CommandContext, CommandResult } from "../../../src/cli/command.ts";
import score from "../../../src/cli/commands/score.ts";
import { silentProgress } from "../../../src/core/progress.ts";
import { readPredictions } from "../../../src/evaluation/predictions.ts";
import type { ScoreResult } from "../../../src/evaluation/score.ts";

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

describe("score motionbench", () => {
  test("strict reads a sentence, official keeps the original's error; hidden answers are not scored", async () => {
    const predictions = write(
      "p.json",
      JSON.stringify({ u1: "The answer is C.", u3: "F", u2: "A", gone: "A" }),
    );
    const strict = (await run("motionbench", { predictions })).json as ScoreResult;
    expect(strict).toMatchObject({
      scored: 2,
      withoutPublishedAnswer: 1,
      missing: 0,
      unknown: 1,
      macroAccuracy: 1,
      answeredRate: 1,
    });
    expect(strict.accuracy.value).toBe(1);
    expect(strict.chance).toBeCloseTo((1 / 4 + 1 / 6) / 2, 12);
    const official = (await run("motionbench", { predictions, mode: "official" })).json as ScoreResult;
    expect(official.accuracy.value).toBe(0.5);
    expect(official.skills.map(({ skill, accuracy }) => [skill, accuracy.value])).toEqual([
      ["Motion Recognition", 0],
      ["Repetition Count", 1],
    ]);
  });
  test("a missing prediction is wrong, an unreadable one is counted", async () => {
    const predictions = write("q.jsonl", '{"uid": "u1", "prediction": "I cannot tell"}\n');
    const { json, text } = await run("motionbench", { predictions });
    expect(json).toMatchObject({ missing: 1, parseFailRate: 1, answeredRate: 0.5, accuracyOfAnswered: 0 });
    expect(text).toContain("missing 1 (counted wrong)");
    expect(text).toContain("Repetition Count");
  });
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
      "cannot read the data set",
    ],
    [
      "empty folder",
      "world",
      { predictions: good, annotations: folder },
      "no samples in the data set folder",
    ],
    ["wrong annotations", "world", { predictions: good }, "not a sample"],
    ["missing predictions", "motionbench", { predictions: join(folder, "none") }, "cannot read predictions"],
    [
      "number as prediction",
      "motionbench",
      { predictions: write("n.json", '{"u1": 3}') },
      "prediction is not text",
    ],
    [
      "twice",
      "motionbench",
      { predictions: write("t.jsonl", '{"id":"u1","answer":"A"}\n{"id":"u1","answer":"B"}') },
      "t.jsonl:2",
    ],
    [
      "no answer field",
      "motionbench",
      { predictions: write("f.jsonl", '{"id":"u1"}\n{"id":"u2"}') },
      "not a prediction",
    ],
    ["empty file", "motionbench", { predictions: write("e.jsonl", "\n") }, "no predictions"],
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
    [
      "twice",
      '{"question_type":"X","video_path":"v","qa":[{"uid":"u","question":"W?\\nA. a\\nB. b","answer":"A"},{"uid":"u","question":"W?\\nA. a\\nB. b","answer":"A"}]}',
      "twice",
    ],
    ["another file", '{"a":1}', "not a MotionBench video"],
  ])("annotations: %s", async (name, row, message) => {
    const file = write(`${name}.jsonl`, row);
    await expect(run("motionbench", { predictions: good, annotations: file })).rejects.toThrow(message);
  });
});

test("predictions as one object over several lines, and as one line", () => {
  expect(readPredictions(write("multi.json", '{\n "a": "B",\n "b": ""\n}\n'))).toEqual(
    new Map([
      ["a", "B"],
      ["b", ""],
    ]),
  );
  expect(readPredictions(write("one.jsonl", '{"questionId":"a","rawOutput":"B"}'))).toEqual(
    new Map([["a", "B"]]),
  );
});
