/** What a thread reads is what this thread would read, and it is read while this one is held up. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { defineKeywordExtractor, keywordExtractors } from "../../../src/absent/keywords.ts";
import type { MediaStep } from "../../../src/batch/media-step.ts";
import { type Clips, openClips } from "../../../src/jobs/clips.ts";
import type { LoadedClip } from "../../../src/jobs/train/clip-feed.ts";
import { preferenceGroups } from "../../../src/jobs/train/preferences.ts";
import {
  type ReadingSettings,
  type ReadRequest,
  readingMeans,
  readUnit,
} from "../../../src/jobs/train/reading.ts";
import { openReadingThread } from "../../../src/jobs/train/reading-thread.ts";
import { Dropped, type DroppedSample, readRows, type SampleGroup } from "../../../src/jobs/train/rows.ts";
import { makeTrainingSet, trainingModel } from "../../training-set.ts";

const clipsOptions = { decoder: "auto", cache: false, cacheSize: 0, workers: 1 } as const;
const signal = new AbortController().signal;
let folder: string;
let settings: ReadingSettings;
let groups: readonly SampleGroup[];
let clips: Clips;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reading-"));
  const model = trainingModel(folder);
  const set = await makeTrainingSet(folder);
  const rows = await readRows([set], { train: "train", heldOut: "held-out" }, new Dropped(() => {}));
  groups = rows.groups;
  clips = openClips(clipsOptions, () => {});
  settings = {
    model,
    look: { minPixels: 784, maxPixels: 4704 },
    extractor: "offline",
    keptMegabytes: 1,
    mostTokens: 1000,
    withTwin: true,
    contrasted: true,
    notContrasted: new Set(),
    seed: 3,
  };
}, 60_000);
afterAll(async () => {
  await clips[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Steps as plain data. */
const plain = (value: unknown): unknown => {
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if ("patches" in value && typeof value.patches === "function")
    return { ...value, patches: (value as MediaStep).patches() };
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, plain(one)]));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
};

test("clips, twins, controls, preferences and questions are the same in a thread of their own", async () => {
  const [here, there]: DroppedSample[][] = [[], []];
  class Listed extends Dropped {
    override add(sample: DroppedSample): void {
      here!.push(sample);
    }
  }
  const means = await readingMeans(settings, clips, new Listed(() => {}));
  const listener = { dropped: { add: (sample: DroppedSample) => void there!.push(sample) }, warn: () => {} };
  await using thread = openReadingThread(settings, clipsOptions, listener);
  const requests: ReadRequest[] = groups.flatMap((unit): ReadRequest[] =>
    [false, true].map((controlled) => ({ kind: "group", unit, controlled })),
  );
  for (const unit of preferenceGroups(groups, ["twin"], "letter", new Dropped(() => {})))
    requests.push({ kind: "preferences", unit, controlled: false, isControl: false });
  const asking = { answers: "letter", refeedInstruction: "again" } as const;
  requests.push({ kind: "question", unit: groups[0]!, controlled: true, asking });
  let [given, twins, controls] = [0, 0, 0];
  for (const request of requests) {
    const expected = await readUnit(request, means, settings.seed, signal);
    const got = await thread.read(request, signal);
    expect(plain(got)).toEqual(plain(expected));
    // Asked again its unit goes by number.
    expect(plain(await thread.read(request, signal))).toEqual(plain(expected));
    if (got !== undefined) given++;
    if (request.kind === "group") {
      const clip = got as LoadedClip | undefined;
      if (clip !== undefined) expect(clip.planned.group).toBe(request.unit);
      twins += clip?.absentSteps.size ?? 0;
      controls += clip?.controlSteps?.size ?? 0;
    }
  }
  expect(given).toBeGreaterThan(10);
  expect(Math.min(twins, controls)).toBeGreaterThan(0);
  expect(here!.some(({ id }) => id === "gone")).toBe(true);
  // Each request was made twice there.
  expect(new Set(there!.map(({ id, reason }) => `${id} ${reason}`))).toEqual(
    new Set(here!.map(({ id, reason }) => `${id} ${reason}`)),
  );
}, 60_000);

test("a clip is read while nothing else can happen here, as when an engine computes", async () => {
  await using thread = openReadingThread(settings, clipsOptions, {
    dropped: { add: () => {} },
    warn: () => {},
  });
  const read = (at: number) =>
    thread.read({ kind: "group", unit: groups[at]!, controlled: false } as const, signal);
  await read(0);
  let isThere = false;
  const second = read(1).then(() => {
    isThere = true;
  });
  // Nothing of this thread runs in these seconds, and then only what waits already.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
  for (let turn = 0; turn < 4 && !isThere; turn++) await new Promise((done) => setImmediate(done));
  expect(isThere).toBe(true);
  await second;
}, 30_000);

test("a stop ends what is read and nothing else; a closed thread says so", async () => {
  const thread = openReadingThread(settings, clipsOptions, { dropped: { add: () => {} }, warn: () => {} });
  const stop = new AbortController();
  const request = { kind: "group", unit: groups[0]!, controlled: false } as const;
  const stopped = thread.read(request, stop.signal);
  const other = thread.read(request, signal);
  stop.abort(new Error("enough"));
  await expect(stopped).rejects.toThrow("enough");
  expect((await other)?.media.length).toBeGreaterThan(0);
  const waiting = thread.read(request, signal);
  waiting.catch(() => {});
  await thread[Symbol.asyncDispose]();
  await expect(thread.read(request, signal)).rejects.toThrow("closed");
  await waiting.catch((error: unknown) => expect(String(error)).toMatch(/closed|stopped|abort/i));
});

test("a process whose thread is closed while it reads goes on: the error that ends a run is told", () => {
  const program = `
    import { openReadingThread } from ${JSON.stringify(new URL("../../../src/jobs/train/reading-thread.ts", import.meta.url).href)};
    const settings = { model: "nowhere", look: {}, extractor: "offline", keptMegabytes: 1, mostTokens: 9, notContrasted: new Set(), seed: 1 };
    const listener = { dropped: { add: () => {} }, warn: () => {} };
    const thread = openReadingThread(settings, ${JSON.stringify(clipsOptions)}, listener);
    const unit = { folder: "nowhere", samples: [] };
    thread.read({ kind: "group", unit, controlled: false }, new AbortController().signal).catch(() => {});
    await thread[Symbol.asyncDispose]();
    console.log("told");`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect([done.status, done.stdout.trim()], done.stderr).toEqual([0, "told"]);
}, 60_000);

test("a plug-in that another thread cannot load is named before it is started", () => {
  const plugin = defineKeywordExtractor({
    summary: "nothing",
    source: "test",
    params: z.strictObject({}),
    create: () => ({ version: "1", extract: async () => ({ status: "ok", keywords: ["fall"] }) }),
  });
  keywordExtractors.add("only-here", plugin);
  const open = (own: Partial<ReadingSettings>) => () =>
    openReadingThread({ ...settings, ...own }, clipsOptions, { dropped: { add: () => {} }, warn: () => {} });
  expect(open({ extractor: "only-here" })).toThrow(/"only-here" is known to this process only/);
});
