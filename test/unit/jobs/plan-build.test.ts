import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { estimateBuild } from "../../../src/jobs/build/plan-build.ts";
import { previewFor } from "../../../src/jobs/build/preview-size.ts";
import { resultFile } from "../../../src/jobs/build/protocol.ts";
import { measuredRate, rememberRate, shippedRates } from "../../../src/jobs/build/rates.ts";

let folder: string;
let before: string | undefined;
beforeEach(() => {
  before = process.env["VIDEOPERCEIVER_CACHE"];
  folder = mkdtempSync(join(tmpdir(), "rates-"));
  process.env["VIDEOPERCEIVER_CACHE"] = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env["VIDEOPERCEIVER_CACHE"];
  else process.env["VIDEOPERCEIVER_CACHE"] = before;
  rmSync(folder, { recursive: true, force: true });
});

const plan = { clips: 1200, clipSeconds: 6, rowsPerClip: 2, relevance: "slow", machines: 2, workers: 3 };
const rate = {
  videoSpeed: 4,
  rowsPerSecond: 50,
  workBytesPerRow: 1000,
  setBytesPerRow: 3000,
  rows: 2400,
  clips: 40,
  machine: "a test",
};

test("time, disk and money by the rate that was measured here", () => {
  rememberRate("slow", rate, (line) => expect.fail(line));
  const estimate = estimateBuild({ ...plan, pricePerHour: 36 });
  // 7200 s of video at 4 s a second and worker on 6 workers; 2400 rows at 50 a second.
  expect(estimate).toMatchObject({ seconds: 348, assembleSeconds: 48, clipsPerMinute: 240, rate });
  expect(estimate.diskBytes).toEqual({ dataset: 7_200_000, work: 2_400_000 });
  expect(estimate.money).toBeCloseTo((36 * 2 * 348) / 3600);
  expect(estimateBuild(plan).money).toBeNull();
});

test("disk is at most what is said: small sets hold larger pictures than the measured one, large ones smaller", () => {
  rememberRate("slow", rate, (line) => expect.fail(line));
  const perRow = (clips: number): number =>
    estimateBuild({ ...plan, rowsPerClip: 1, clips }).diskBytes.dataset / clips;
  const area = (rows: number): number => previewFor(rows).frames * previewFor(rows).pixels ** 2;
  expect(perRow(100)).toBeCloseTo((3000 * area(100)) / area(2400));
  expect(perRow(2400)).toBe(3000);
  expect(perRow(50_000)).toBe(3000);
});

test("a build whose scores were kept, or of a few clips, teaches nothing", () => {
  const rows = [{ row: { id: "r", clip: { file: "a" }, provenance: {} }, sourceNumber: 0 }];
  const clips = Array.from({ length: 60 }, (_, position) => ({
    position,
    path: "a",
    name: "a",
    rows,
    firstRow: position,
  }));
  writeFileSync(join(folder, "samples-00000.jsonl"), "{}");
  mkdirSync(join(folder, resultFile(0), ".."), { recursive: true });
  writeFileSync(join(folder, resultFile(0)), "{}");
  const measured = (count: number) =>
    measuredRate(
      folder,
      { clips, rejected: [], sources: [], notes: [] },
      { seconds: 10, made: 60, measured: count, busySeconds: count / 10, videoSeconds: count * 6 },
      1,
    );
  for (const count of [0, 19]) {
    rememberRate("motion", measured(count), (line) => expect.fail(line));
    expect(estimateBuild({ ...plan, relevance: "motion" }).rate).toEqual(shippedRates["motion"]);
  }
  rememberRate("motion", measured(20), (line) => expect.fail(line));
  const { rate: learnt } = estimateBuild({ ...plan, relevance: "motion" });
  expect(learnt).toMatchObject({ videoSpeed: 60, clips: 20, rows: 60 });
});

test("without a rate it says which there are; rates of an earlier version are read", () => {
  expect(() => estimateBuild({ ...plan, relevance: "clip" })).toThrow(
    /^no rate is known for relevance "clip"; expected one of motion; build some 50 clips/,
  );
  const { rows: _, ...old } = rate;
  writeFileSync(join(folder, "build-rates.json"), JSON.stringify({ slow: old }));
  expect(estimateBuild(plan).diskBytes.dataset).toBe(7_200_000);
});
