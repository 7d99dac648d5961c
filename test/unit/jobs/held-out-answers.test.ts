/** What is shown and asked at a look, with a stand-in for decoder and engine: the model answers "late" when it sees frame 13. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TokenBatch } from "../../../src/batch/token-batch.ts";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import type { Sample } from "../../../src/dataset/sample.ts";
import type { Engine, SampleRequest } from "../../../src/engine/contract.ts";
import { resizeAntialias } from "../../../src/frames/resize-antialias.ts";
import type { FeedMeans, LoadedClip } from "../../../src/jobs/train/clip-feed.ts";
import { heldOutClips } from "../../../src/jobs/train/held-out.ts";
import { heldOutAnswers } from "../../../src/jobs/train/held-out-answers.ts";
import { readUnit } from "../../../src/jobs/train/reading.ts";
import { Dropped, type SampleGroup } from "../../../src/jobs/train/rows.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import { familyOf, readConfigFile } from "../../../src/model/families.ts";
import { loadProcessor } from "../../../src/model/processor.ts";
import type { AnswerRecord } from "../../../src/runs/run-folder.ts";
import type { FrameRequest } from "../../../src/video/request.ts";
import { timelineFromTimes } from "../../../src/video/timeline.ts";
import { hubModel } from "../../hub-model.ts";

const [count, rate, side] = [24, 8, 56];
const timeline = timelineFromTimes(Float64Array.from({ length: count }, (_, i) => i / rate));
let folder: string;
let means: FeedMeans;
const decoded: number[][] = [];
const signal = new AbortController().signal;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "held-out-"));
  const model = hubModel(folder, "model", ["when", "late", "early", "?", "how", "many"]);
  const config = await readConfigFile(model);
  means = {
    processor: loadProcessor(model, familyOf(config).processor, resizeAntialias),
    config,
    video: {
      probe: async () => ({ timeline, width: side, height: side, averageFps: rate }) as never,
      // Every pixel of frame i is 10 i.
      frames: async function* (_: string, { select }: FrameRequest) {
        const { indices } = select as unknown as { indices: readonly number[] };
        decoded.push([...indices]);
        for (const i of indices)
          yield {
            pixels: new Uint8Array(side * side * 3).fill(10 * i),
            width: side,
            height: side,
            frames: [{ index: frameIndex(i), timeSeconds: seconds(i / rate) }],
          };
      } as never,
    },
    look: { frames: 12 },
    mostTokens: 1000,
    dropped: new Dropped(() => {}),
    withTwin: false,
    keywords: undefined,
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

const sample = (id: string, more: Partial<Sample> = {}): Sample => ({
  id,
  clip: { file: "clip.mp4", sha256: "0".repeat(64), timeline },
  messages: [
    {
      role: "user",
      content: [
        { type: "video", video: "clip.mp4" },
        { type: "text", text: "when ?" },
      ],
    },
  ],
  answer: "late",
  answerKind: "open",
  provenance: {},
  ...more,
});
const absent = {
  keyFrames: [9, 10, 11, 12, 13, 14],
  replacements: [9, 10, 11, 12, 13, 14].map((index) => ({ index, from: 8 })),
  builder: { name: "span", params: {} },
};

/** The frames that a row of a batch shows in its order, by their brightness. */
const framesOf = async (batch: TokenBatch, row: number): Promise<number[]> => {
  const { mergeSize } = batchRules(means.config);
  const stepOf = batch.media.flatMap((step) =>
    new Array<typeof step>((step.rows * step.columns) / mergeSize ** 2).fill(step),
  );
  const sources = [...batch.source.slice(row * batch.length, (row + 1) * batch.length)];
  const shown = new Set(sources.filter((source) => source >= 0).map((source) => stepOf[source]!));
  const patches = await Promise.all([...shown].map((step) => step.patches()));
  // A patch is channels of frames of pixels.
  return patches.flatMap((levels) => [levels[0]! / 10, levels[14 * 14]! / 10]);
};

const ask = async (samples: readonly Sample[]) => {
  const seen: number[][] = [];
  const records: AnswerRecord[] = [];
  const lines: string[] = [];
  const { tokenizer } = means.processor;
  const engine = {
    sample: async ({ batch, bannedTokens, temperature }: SampleRequest) => {
      expect(temperature).toBe(0);
      expect(bannedTokens).toEqual(batchRules(means.config).visualTokenIds);
      return Promise.all(
        Array.from({ length: batch.samples }, async (_, row) => {
          const frames = await framesOf(batch, row);
          seen.push(frames);
          return [
            {
              tokens: tokenizer.encode(frames.includes(13) ? "late" : "early"),
              logprobs: [0],
              finish: "stop" as const,
            },
          ];
        }),
      );
    },
  } as unknown as Engine;
  const validation = { split: "held", clips: 4, answers: 8, maxNewTokens: 4 };
  const read = (unit: SampleGroup) =>
    readUnit({ kind: "group", unit, controlled: true }, means, 1, signal) as Promise<LoadedClip | undefined>;
  const clips = heldOutClips([{ folder, samples }], read, { validation, seed: 1 });
  const look = heldOutAnswers(clips, {
    trainee: { engine, rules: batchRules(means.config) },
    means,
    settings: { validation, positionsPerBatch: 4096 },
    run: { answer: (record) => void records.push(record) },
    progress: { log: (line) => void lines.push(line) },
    signal,
  });
  return { found: await look(7), again: () => look(8), seen, records, lines };
};

test("the clip, its twin and a control are asked about after one decode, and graded", async () => {
  decoded.length = 0;
  const { found, again, seen, records, lines } = await ask([sample("a", { absent })]);
  expect(found).toMatchObject({
    exact: 1,
    "exact/clip": 1,
    "exact/absent": 0,
    "exact/control": 1,
    "rougeL/absent": 0,
    "changed/absent": 1,
    "changed/control": 0,
  });
  expect(records.map(({ shown, answer, grade, step }) => [shown, answer, grade, step])).toEqual([
    ["clip", "late", 1, 7],
    ["absent", "early", 0, 7],
    ["control", "late", 1, 7],
  ]);
  expect(lines.join()).toContain("exact 1.000 (clip 1.000, absent 0.000, control 1.000)");
  const [clip, twin, control] = seen;
  expect(clip).toEqual([0, 2, 4, 6, 8, 10, 13, 15, 17, 19, 21, 23]);
  expect(twin).toEqual([0, 2, 4, 6, 8, 8, 8, 15, 17, 19, 21, 23]);
  // As many others, each the frame before; the decisive ones stay.
  const other = control!.flatMap((frame, at) => (frame === clip![at] ? [] : [at]));
  expect(other).toHaveLength(2);
  expect(other).not.toContain(5);
  expect(other).not.toContain(6);
  for (const at of other) expect(control![at]).toBe(control![at - 1]);
  await again();
  expect(seen.slice(3)).toEqual(seen.slice(0, 3));
  expect(decoded).toHaveLength(1);
});

test("a question without a twin counts with the clip only; one that cannot be graded is named", async () => {
  const number = sample("b", { answerKind: "number", answer: "no number" });
  const { found, records } = await ask([sample("a"), number]);
  expect(found).toEqual({ exact: 1, rougeL: 1 });
  expect(records).toHaveLength(1);
  expect(means.dropped.all.at(-1)).toMatchObject({ id: "b" });
});
