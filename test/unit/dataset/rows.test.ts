import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError, DataFormatError } from "../../../src/core/errors.ts";
import type { FrameIndex, Seconds } from "../../../src/core/units.ts";
import { readDescription, readSampleFile, readSamples } from "../../../src/dataset/read.ts";
import type { Sample } from "../../../src/dataset/sample.ts";
import { expandTimeline, rowOfSample, sampleFromRow, storeTimeline } from "../../../src/dataset/schema.ts";
import { reinforcementClips, splitOfClip } from "../../../src/dataset/split.ts";
import { validateDataset } from "../../../src/dataset/validate.ts";
import { DatasetWriter } from "../../../src/dataset/write.ts";
import type { Timeline } from "../../../src/video/types.ts";

const timelineOf = (times: readonly number[]): Timeline =>
  times.map((time, index) => ({ index: index as FrameIndex, timeSeconds: time as Seconds }));

/** A sample with few fields; `changes` replaces some. */
const sampleWith = (id: string, changes: Partial<Sample> = {}): Sample => ({
  id,
  clip: { file: `clips/${id}.mp4`, sha256: "a".repeat(64), timeline: timelineOf([0, 0.04, 0.08]) },
  messages: [
    {
      role: "user",
      content: [
        { type: "video", video: `clips/${id}.mp4`, fps: 4 },
        { type: "text", text: "what happens ?" },
      ],
    },
  ],
  answer: "flash",
  answerKind: "choice",
  options: ["flash", "hop"],
  skill: "motion-recognition",
  events: [{ startSeconds: 0.04, endSeconds: 0.08, what: "flash" }],
  provenance: { source: "test" },
  ...changes,
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "videoperceiver-rows-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const collect = async (rows: AsyncIterable<Sample>): Promise<Sample[]> => {
  const list: Sample[] = [];
  for await (const row of rows) list.push(row);
  return list;
};

describe("timelines in files", () => {
  test("what is stored expands to the same numbers, constant rates in a few bytes", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(8, 12.5, 23.976, 24, 25, 29.97, 30, 60),
        fc.integer({ min: 2, max: 300 }),
        (rate, count) => {
          const timeline = timelineOf(Array.from({ length: count }, (_, i) => i / rate));
          const stored = storeTimeline(timeline);
          expect(stored).toEqual({ count, framesPerSecond: rate });
          expect(expandTimeline(stored)).toEqual(timeline);
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }),
        (steps) => {
          let at = 0;
          const timeline = timelineOf([0, ...steps.map((step) => (at += step))]);
          expect(expandTimeline(JSON.parse(JSON.stringify(storeTimeline(timeline))))).toEqual(timeline);
        },
      ),
    );
  });
});

describe("rows", () => {
  test("a sample survives its line", () => {
    const text = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(
        text,
        text,
        fc.option(text, { nil: undefined }),
        fc.array(fc.nat(2)),
        (id, answer, skill, keys) => {
          const sample: Sample = {
            ...sampleWith("x"),
            id,
            answer,
            answerKind: "open",
            ...(skill === undefined ? {} : { skill }),
            absent: {
              keyFrames: keys,
              replacements: keys.map((index) => ({ index, from: 0 })),
              builder: { name: "mask", params: { fill: "grey" } },
            },
          };
          expect(sampleFromRow(JSON.parse(rowOfSample(sample)), "here")).toEqual(sample);
        },
      ),
    );
  });

  test("a wrong row names its place and field", () => {
    const row = JSON.parse(rowOfSample(sampleWith("a"))) as Record<string, unknown>;
    for (const [change, field] of [
      [{ answer: "" }, /answer/],
      [{ answerKind: "essay" }, /answerKind/],
      [{ surprise: 1 }, /surprise/],
      [{ clip: { file: "a", sha256: "xyz", timeline: { count: 3, framesPerSecond: 25 } } }, /clip.sha256/],
      [{ events: [{ startSeconds: 2, endSeconds: 1, what: "x" }] }, /events.0/],
      [{ messages: [] }, /messages/],
    ] as const) {
      expect(() => sampleFromRow({ ...row, ...change }, "f.jsonl:3")).toThrow(DataFormatError);
      expect(() => sampleFromRow({ ...row, ...change }, "f.jsonl:3")).toThrow(/f\.jsonl:3/);
      expect(() => sampleFromRow({ ...row, ...change }, "f.jsonl:3")).toThrow(field);
    }
  });

  test("reading names the line that is broken", async () => {
    const file = join(folder, "samples-00000.jsonl");
    writeFileSync(file, `${rowOfSample(sampleWith("a"))}\n\n{"id": 3}\n`);
    await expect(collect(readSampleFile(file))).rejects.toThrow(/samples-00000\.jsonl:3/);
    writeFileSync(file, `${rowOfSample(sampleWith("a"))}\n{"id": "b", "cl`);
    await expect(collect(readSampleFile(file))).rejects.toThrow(/samples-00000\.jsonl:2/);
    await expect(collect(readSampleFile(join(folder, "none.jsonl")))).rejects.toThrow(/missing file/);
  });
});

describe("the folder", () => {
  const write = async (ids: readonly string[], rowsPerFile: number): Promise<string> => {
    const writer = new DatasetWriter({ folder, recipe: { name: "test", params: {} }, rowsPerFile });
    for (const id of ids) {
      writeFileSync(join(folder, "clips", `${id}.mp4`), id);
      writer.add(sampleWith(id));
    }
    writer.reject({ source: "z", ruleId: "broken", reason: "it is" });
    return (await writer.finish((description) => `${description.counts.samples} samples\n`)).contentHash;
  };

  test("what is written is read, over several files, with a hash of the content alone", async () => {
    const ids = ["a", "b", "c", "d", "e"];
    const hash = await write(ids, 2);
    const description = readDescription(folder);
    expect(description.counts).toEqual({ samples: 5, clips: 1, rejected: 1 });
    expect(description.files.map(({ rows }) => rows)).toEqual([2, 2, 1]);
    expect((await collect(readSamples(folder))).map((sample) => sample.id)).toEqual(ids);
    expect(await validateDataset(folder)).toEqual([]);
    expect(JSON.parse(readFileSync(join(folder, "rejected.jsonl"), "utf8"))).toEqual({
      source: "z",
      ruleId: "broken",
      reason: "it is",
    });
    expect(await write(ids, 2)).toBe(hash);
    expect(await write(["a", "b"], 2)).not.toBe(hash);
    expect(readDescription(folder).files.length).toBe(1);
    expect(() => readFileSync(join(folder, "samples-00001.jsonl"))).toThrow();
  });

  test("a folder without dataset.json is unfinished, a changed file is found", async () => {
    expect(() => readDescription(folder)).toThrow(ConfigError);
    await write(["a", "b"], 10);
    const file = join(folder, "samples-00000.jsonl");
    writeFileSync(file, readFileSync(file, "utf8").replace('"answer":"flash"', '"answer":"vanish"'));
    const faults = (await validateDataset(folder)).map(({ what }) => what);
    expect(faults).toContain("has another content than dataset.json says");
    expect(faults).toContain("the answer is not among the options");
    writeFileSync(join(folder, "dataset.json"), "{}");
    expect(() => readDescription(folder)).toThrow(/dataset\.json/);
  });

  test("a clip's part depends on its content alone and the shares are kept", () => {
    const parts = { train: 0, validation: 0, test: 0 };
    for (let i = 0; i < 4000; i++) {
      const hash = String(i).padStart(64, "0");
      const part = splitOfClip(hash, { validation: 0.1, test: 0.2 });
      expect(splitOfClip(hash, { validation: 0.1, test: 0.2 })).toBe(part);
      parts[part]++;
    }
    expect(parts.test / 4000).toBeCloseTo(0.2, 1);
    expect(parts.validation / 4000).toBeCloseTo(0.1, 1);
  });

  test("clips of reinforcement learning are chosen by content: a share, whatever the order, never all", () => {
    const clips = Array.from({ length: 200 }, (_, i) => String(i).padStart(64, "0"));
    const kept = reinforcementClips(clips, 0.1, "1");
    expect(kept.size).toBe(20);
    expect(reinforcementClips([...clips].reverse(), 0.1, "1")).toEqual(kept);
    expect(reinforcementClips([...clips, ...clips], 0.1, "1")).toEqual(kept);
    expect(reinforcementClips(clips, 0.1, "2")).not.toEqual(kept);
    for (const clip of kept) expect(clips).toContain(clip);
    expect(reinforcementClips(clips, 0).size).toBe(0);
    expect([1, 2, 5].map((count) => reinforcementClips(clips.slice(0, count), 0.1).size)).toEqual([0, 1, 1]);
    expect(reinforcementClips(clips, 1).size).toBe(199);
  });
});
