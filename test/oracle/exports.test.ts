import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSamples } from "../../src/dataset/read.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import { exportDataset } from "../../src/jobs/export-dataset.ts";
import { clipsCanBeWritten, madeDataset, maskedTwin, twinOfEvents } from "../dataset-fixture.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

const python = process.env["VIDEOPERCEIVER_ORACLE_PYTHON"];
const trainers = process.env["VIDEOPERCEIVER_ORACLE_TRAINERS"];

/** PYTHONPATH of a project; undefined: its packages are not installed. */
const paths = {
  datasets: "",
  trl: "",
  "ms-swift": trainers && [join(trainers, "ms-swift"), trainers].join(delimiter),
  "llama-factory": trainers,
  verl: trainers,
  easyr1: trainers,
} as const;
type Project = keyof typeof paths;

const missing = (project: Project): boolean => {
  const isMissing = python === undefined || paths[project] === undefined;
  if (isMissing) console.log(`\nSKIPPED: exports loaded by ${project}: run by npm run test:oracle\n`);
  return isMissing;
};

const loader = fileURLToPath(new URL("export_loaders.py", import.meta.url));
const processor = sharedFile("data/tokenizers/qwen2.5-vl");
const nothing = sharedMissing("exports loaded by other projects") || !clipsCanBeWritten;

let folder: string;
let dataset: string;
const samples: Sample[] = [];

/** What a project's own code makes of an export. */
const loaded = async (project: Project, format: string): Promise<Record<string, unknown>> => {
  const out = join(folder, `for-${project}`);
  const context = {
    progress: () => ({ update: () => {}, log: () => {} }),
    signal: new AbortController().signal,
    warn: () => {},
  };
  await exportDataset({ dataset, format, out, force: false }, context);
  const printed = execFileSync(python!, ["-P", loader, project, out, processor], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PYTHONPATH: paths[project], HF_HUB_OFFLINE: "1", TRANSFORMERS_OFFLINE: "1" },
  });
  return JSON.parse(printed.slice(printed.lastIndexOf("RESULT ") + 7)) as Record<string, unknown>;
};

describe.skipIf(nothing)("exports, loaded by the code that trains on them", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "videoperceiver-oracle-"));
    dataset = await madeDataset(folder, 2, (sample, at) => ({
      ...sample,
      absent: sample.id.includes("000000") ? twinOfEvents(sample) : maskedTwin(sample),
      ...(at === 0 && { keywords: ["a"] }),
    }));
    for await (const sample of readSamples(dataset)) samples.push(sample);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.skipIf(missing("datasets"))(
    "datasets decodes both films of every row",
    async () => {
      const { features, rows } = (await loaded("datasets", "hf")) as {
        features: Record<string, string>;
        rows: {
          id: string;
          times: number;
          video: { frames: number; sum: number };
          absent_video: { frames: number; sum: number };
        }[];
      };
      expect(features["video"]).toContain("Video");
      expect(rows.map(({ id }) => id)).toEqual(samples.map(({ id }) => id));
      for (const { video, absent_video, times } of rows) {
        expect([video.frames, absent_video.frames]).toEqual([times, times]);
        expect(absent_video.sum).not.toBe(video.sum);
      }
    },
    120_000,
  );

  test.skipIf(missing("trl"))(
    "TRL's collator makes a batch of preferences, and its prompts hold timed pictures",
    async () => {
      const { dpo, images, absent, solutions, text } = (await loaded("trl", "trl:frames=4")) as {
        dpo: Record<string, number[]>;
        images: number[];
        absent: number[];
        solutions: string[];
        text: string;
      };
      expect(dpo["pixel_values"]).toBeDefined();
      expect(new Set([...images, ...absent])).toEqual(new Set([4]));
      expect(solutions).toHaveLength(samples.length);
      expect(text.match(/\d\.\d\d s: <\|vision_start\|><\|image_pad\|><\|vision_end\|>/g)).toHaveLength(4);
    },
    120_000,
  );

  test.skipIf(missing("ms-swift"))(
    "ms-swift encodes a pair with two different films",
    async () => {
      const found = (await loaded("ms-swift", "ms-swift")) as {
        pairs: number;
        rows: number;
        columns: string[];
        twinDiffers: boolean;
        batch: Record<string, number[]>;
      };
      expect(found.rows).toBe(samples.length);
      expect(found.pairs).toBe(samples.filter(({ provenance }) => provenance["aboutEvent"] !== false).length);
      expect(found.columns).toEqual(expect.arrayContaining(["solution", "absent_videos"]));
      expect(found.twinDiffers).toBe(true);
      expect(found.batch["pixel_values_videos"]).toBeDefined();
    },
    180_000,
  );

  test.skipIf(missing("llama-factory"))(
    "LLaMA-Factory collates answers and preferences with films",
    async () => {
      const { sft, rm } = (await loaded("llama-factory", "llama-factory")) as Record<
        "sft" | "rm",
        { rows: number; batch: Record<string, number[]> }
      >;
      expect(sft.rows).toBe(samples.length);
      expect(sft.batch["pixel_values_videos"]).toBeDefined();
      expect(rm.rows).toBe(samples.filter(({ answerKind }) => answerKind === "choice").length);
      expect(rm.batch["input_ids"]![0]).toBe(4);
    },
    180_000,
  );

  test.skipIf(missing("easyr1"))(
    "EasyR1's columns give a question, its answer and two films that Qwen's utilities decode",
    async () => {
      const { rows } = (await loaded("easyr1", "easyr1")) as {
        rows: {
          markers: number;
          answer: string;
          videos: number[][];
          absent: number[][];
          differs: boolean;
          batch: Record<string, number[]>;
        }[];
      };
      expect(rows).toHaveLength(samples.length);
      for (const { markers, answer, videos, absent, differs, batch } of rows) {
        expect([markers, videos.length, absent.length]).toEqual([1, 1, 1]);
        expect(answer).not.toBe("");
        expect([videos[0]![1], absent[0]]).toEqual([3, videos[0]]);
        expect(differs).toBe(true);
        expect(batch["pixel_values_videos"]).toBeDefined();
      }
    },
    180_000,
  );

  test.skipIf(missing("verl"))(
    "verl reads prompts, films and answers",
    async () => {
      const { rows, truth, absent, videos } = (await loaded("verl", "easyr1:columns=verl")) as {
        rows: number;
        truth: string[];
        absent: string[][];
        videos: string[];
      };
      expect(rows).toBe(samples.length);
      expect(truth.every(Boolean)).toBe(true);
      expect(absent.every(({ length }) => length === 1)).toBe(true);
      expect(videos[0]).toMatch(/torch\.Size\(\[\d+, 3, \d+, \d+\]\)/);
    },
    180_000,
  );
});
