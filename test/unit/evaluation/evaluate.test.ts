import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EngineError } from "../../../src/core/errors.ts";
import type { Made } from "../../../src/core/registry.ts";
import type { Sample } from "../../../src/dataset/sample.ts";
import { type EvaluateOptions, evaluate } from "../../../src/evaluation/evaluate.ts";
import { chooseIntervention, type Intervention } from "../../../src/evaluation/interventions.ts";
import {
  correctness,
  type EvaluationRecord,
  readRecords,
  writeRecord,
} from "../../../src/evaluation/records.ts";
import { sensitivity } from "../../../src/evaluation/statistics/paired.ts";
import type { Answer, AnswerRequest, Subject } from "../../../src/evaluation/subject.ts";
import { sampleOf } from "../../contract/sample-fixture.ts";

const samples: Sample[] = Array.from({ length: 12 }, (_, i) => sampleOf(`clip-${i >> 1}#${i}`, 50, [20, 24]));
const framePolicy: Made<(sample: Sample) => readonly number[]> = {
  value: (sample) =>
    sample.clip.timeline.map(({ index }) => index as number).filter((index) => index % 4 === 0),
  recipe: { name: "every", params: { step: 4 } },
};

/** Sees the flash exactly when frame 20 is shown. */
const seeing = (broken: (request: AnswerRequest) => boolean = () => false): Subject => ({
  name: "seeing",
  answer: async (batch) => {
    if (batch.some(broken)) throw new EngineError("out of memory", { where: "prefill" });
    return batch.map(
      ({ view }): Answer => ({ text: view.shown_T.includes(20) ? "B" : "A", finishReason: "stop" }),
    );
  },
});
const run = async (names: readonly string[], over: Partial<EvaluateOptions<Sample>> = {}) =>
  await evaluate({
    samples,
    subject: seeing(),
    interventions: (await Promise.all(names.map(chooseIntervention))) as Made<Intervention>[],
    frames: framePolicy,
    benchmark: { recipe: { name: "world", params: {} }, version: "1", split: "test" },
    runId: "r",
    seed: 3,
    batchSize: 5,
    ...over,
  });
const under = (records: readonly EvaluationRecord[], name: string): EvaluationRecord[] =>
  records.filter(({ intervention }) => intervention.name === name);

test("a subject that looks at the decisive frame has full accuracy, none on the twin, and sensitivity 1", async () => {
  const { records } = await run(["complete", "absent", "random-removal"], { draws: 5 });
  expect(records.length).toBe(12 * 7);
  const [complete, absent, control] = ["complete", "absent", "random-removal"].map((name) =>
    correctness(under(records, name)),
  );
  expect(sensitivity(complete!, absent!, control!)).toMatchObject({
    value: 1,
    low: 1,
    high: 1,
    questions: 12,
    clusters: 6,
  });
});

test("a failing question is an error record that counts as wrong, its batch neighbours are asked again", async () => {
  const { records } = await run(["complete"], { subject: seeing(({ sample }) => sample.id === "clip-1#3") });
  expect(records.filter(({ correct }) => correct).length).toBe(11);
  const lost = records.find(({ questionId }) => questionId === "clip-1#3")!;
  expect(lost).toMatchObject({ finishReason: "error", correct: false, scoreStrict: 0, parseRule: "error" });
  expect(lost.error).toContain("out of memory");
});

test("the official rule is scored beside the strict one", async () => {
  const subject: Subject = {
    name: "mute",
    answer: async (batch) => batch.map(() => ({ text: "", finishReason: "stop" })),
  };
  const { records } = await run(["complete"], { subject, official: "mvbench" });
  expect(records.every(({ scoreOfficial, scoreStrict }) => scoreOfficial === 1 && scoreStrict === 0)).toBe(
    true,
  );
});

test("records repeat with the seed, whatever the order of samples", async () => {
  const sorted = (records: readonly EvaluationRecord[]): string[] => records.map(writeRecord).sort();
  const names = ["shuffled", "random-removal", "single-frame"];
  const { records } = await run(names);
  expect(sorted((await run(names, { samples: [...samples].reverse() })).records)).toEqual(sorted(records));
});

test("mismatched never shows the question's own clip; one clip alone is not applicable, and said so", async () => {
  const { records } = await run(["mismatched"]);
  expect(
    records.every(({ videoId, shownVideoId }) => shownVideoId !== null && shownVideoId !== videoId),
  ).toBe(true);
  const { notApplicable } = await run(["mismatched"], { samples: samples.slice(0, 2) });
  expect(notApplicable.map(({ questionId }) => questionId)).toEqual(["clip-0#0", "clip-0#1"]);
});

test("what a subject cannot be shown is not asked, with its reason", async () => {
  const { records, notApplicable } = await run(["reversed", "mismatched"], {
    samples: samples.slice(0, 2),
    refuses: ({ shown_T }) => (shown_T.length > 0 ? "no pictures here" : undefined),
  });
  expect(records).toEqual([]);
  expect(notApplicable.map(({ intervention, reason }) => [intervention, reason])).toEqual([
    ...new Array(2).fill(["reversed", "no pictures here"]),
    ...new Array(2).fill(["mismatched", undefined]),
  ]);
});

test("Ctrl-C stops between batches; a subject with too few answers is our fault", async () => {
  const controller = new AbortController();
  const seen: EvaluationRecord[] = [];
  const running = run(["complete"], {
    signal: controller.signal,
    onRecord: (record) => {
      seen.push(record);
      controller.abort();
    },
  });
  await expect(running).rejects.toMatchObject({ name: "AbortError" });
  expect(seen.length).toBe(5);
  await expect(run(["complete"], { subject: { name: "short", answer: async () => [] } })).rejects.toThrow(
    "internal",
  );
});

describe("record files", () => {
  test("what was written is read; other JSON is refused by line", async () => {
    const folder = mkdtempSync(join(tmpdir(), "records-"));
    try {
      const { records } = await run(["complete"]);
      const file = join(folder, "records.jsonl");
      writeFileSync(file, `${records.map(writeRecord).join("\n")}\n`);
      const read: EvaluationRecord[] = [];
      for await (const record of readRecords(file)) read.push(record);
      expect(read).toEqual(records);
      writeFileSync(file, `${writeRecord(records[0]!)}\n{"a":1}\n`);
      const reading = async (): Promise<void> => {
        for await (const _ of readRecords(file));
      };
      await expect(reading()).rejects.toThrow("records.jsonl:2");
      writeFileSync(file, JSON.stringify({ ...records[0], skill: undefined }));
      await expect(reading()).rejects.toThrow("skill");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
