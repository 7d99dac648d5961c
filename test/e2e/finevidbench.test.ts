import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../src/core/files.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import type { FineVidBenchRow } from "../../src/evaluation/finevidbench-layout.ts";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import { evaluateSubject } from "../../src/jobs/eval/eval.ts";
import { type FineVidBenchRequest, fineVidBenchSet } from "../../src/jobs/finevidbench/generate.ts";
import { openVideoService } from "../../src/video/service.ts";
import { writeQuestionCheckpoint } from "../question-checkpoint.ts";
import { mediaOf, startStandIn, textOf } from "../stand-in/openai-endpoint.ts";
import { chromiumMissing, openChromium } from "./chromium.ts";
import { quietContext, recordsOf, worldRequest } from "./eval-request.ts";

const [width, height, rate] = [64, 48, 10];
let folder: string;

/** A square that goes where `at` says before a gradient. */
const writeClip = async (
  video: ReturnType<typeof openVideoService>,
  name: string,
  count: number,
  at: (t: number) => readonly [x: number, y: number],
): Promise<void> => {
  const pixels = new Uint8Array(count * width * height * 3);
  for (let t = 0; t < count; t++) {
    const [left, top] = at(t);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const inside = x >= left && x < left + 12 && y >= top && y < top + 12;
        const place = ((t * height + y) * width + x) * 3;
        pixels.fill(inside ? 240 : 60 + x, place, place + 3);
      }
  }
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / rate),
  }));
  await video.write(join(folder, "in", name), { width, height, frames: [{ pixels, width, height, frames }] });
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "finevidbench-"));
  mkdirSync(join(folder, "in"));
  await using video = openVideoService({ workers: 1 });
  const names = ["wave.mp4", "öffnen 窓.mp4", "rub.mp4"];
  for (const [n, name] of names.entries())
    await writeClip(video, name, 36, (t) => [Math.round(t * (1 + n / 5)), 4 + 9 * n + Math.round(t / 4)]);
  await writeClip(video, "one.mp4", 1, () => [4, 4]);
  await writeClip(video, "still.mp4", 30, () => [20, 20]);
  copyFileSync(join(folder, "in", "wave.mp4"), join(folder, "in", "zz-copy.mp4"));
  writeFileSync(join(folder, "in", "broken.mp4"), "no film");
  const captions = [
    ["wave.mp4", "A square waves and then lowers an arm."],
    ["öffnen 窓.mp4", "Ein Quadrat öffnet das Fenster und läuft danach schnell weg."],
    ["rub.mp4", "Somebody opens a door."],
    ["one.mp4", "A man jumps."],
    ["still.mp4", "A red square on grey."],
    ["zz-copy.mp4", "A woman throws a ball."],
    ["broken.mp4", "A dog runs."],
    ["missing.mp4", "A cat runs."],
  ];
  writeFileSync(
    join(folder, "captions.csv"),
    ["clip,caption", ...captions.map(([clip, caption]) => `"${clip}","${caption}"`)].join("\n"),
  );
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const context = quietContext();
const request = (out: string, more: Partial<FineVidBenchRequest> = {}): FineVidBenchRequest => ({
  sources: [{ place: join(folder, "captions.csv"), clips: join(folder, "in") }],
  columns: {},
  out: join(folder, out),
  settings: {
    selector: "motion_guided",
    sets: 2,
    mode: "independent",
    seed: 3,
    pixels: 64,
    windowSeconds: 8,
    framesPerWindow: 48,
  },
  reading: { decoder: "auto", cache: false, cacheSize: 1e6 },
  workers: 1,
  ...more,
});
const rowsOf = (out: string): FineVidBenchRow[] =>
  readFileSync(join(folder, out, "finevidbench.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as FineVidBenchRow);

/** Every file that is passed on, and its content. */
const contentOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => join(one.parentPath, one.name))
      .filter((file) => !file.includes("/.build/") && !/index\.html|card\.md/.test(file))
      .map((file) => [relative(join(folder, name), file), sha256(readFileSync(file))] as const)
      .sort(),
  );

test("a benchmark of clips of every sort: what is asked, what is refused and why; stopped and gone on with, the same bytes", async () => {
  const { description } = await fineVidBenchSet(request("one"), context);
  const rows = rowsOf("one");
  const of = (clip: string) => rows.filter(({ source }) => source!.clip === clip).map(({ task }) => task);
  expect(new Set(of("wave.mp4")).size).toBe(8);
  // Two sets by five tasks, three actions, an effect, four speeds.
  expect(of("wave.mp4")).toHaveLength(18);
  expect(of("öffnen 窓.mp4").filter((task) => task === "action" || task === "effect")).toEqual([]);
  expect(of("öffnen 窓.mp4")).toHaveLength(14);
  expect([of("one.mp4"), of("zz-copy.mp4"), of("broken.mp4")]).toEqual([[], [], []]);
  expect(new Set(of("still.mp4"))).toEqual(new Set(["frame-count"]));
  const rejected = readFileSync(join(folder, "one", "rejected.jsonl"), "utf8");
  for (const [source, rule] of [
    ["zz-copy.mp4", "no-duplicates"],
    ["broken.mp4", "clip"],
    ["one.mp4, scene", "short"],
    ["still.mp4, speed", "static"],
    ["still.mp4, action", "no-label"],
    ["öffnen 窓.mp4, action", "no-label"],
    ["captions.csv:9", "source"],
  ])
    expect(rejected).toContain(`{"source":"${source}","ruleId":"${rule}"`);
  expect(description.tasks.find(({ task }) => task === "speed")!.answers).toEqual({ A: 3, B: 3, C: 3, D: 3 });
  const stop = new AbortController();
  const stopped = {
    ...context,
    progress: () => ({ log: () => {}, update: (done: number) => done === 2 && stop.abort() }),
    signal: stop.signal,
  };
  await expect(fineVidBenchSet(request("two"), stopped as typeof context)).rejects.toThrow(/abort/i);
  const again = await fineVidBenchSet(request("two", { workers: 2 }), context);
  expect(again.resumedClips).toBeGreaterThan(0);
  expect(contentOf("two")).toEqual(contentOf("one"));
}, 120_000);

test.skipIf(chromiumMissing("the page of a benchmark"))(
  "on a phone the page's tables keep their words whole",
  async () => {
    await fineVidBenchSet(request("page"), context);
    const browser = await openChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 420, height: 900 } });
      await page.goto(pathToFileURL(join(folder, "page", "index.html")).href);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(420);
      // Each of these is one word or two: broken within them they stand on more lines than that.
      const broken = `[...document.querySelectorAll("thead th:nth-child(-n + 4), .reasons td:nth-child(2)")]
        .filter((cell) => {
          const all = document.createRange();
          all.selectNodeContents(cell);
          return new Set([...all.getClientRects()].map(({ top }) => Math.round(top))).size > 2;
        })
        .map((cell) => cell.textContent)`;
      expect(await page.locator("thead th").count()).toBeGreaterThan(3);
      expect(await page.evaluate(broken)).toEqual([]);
    } finally {
      await browser.close();
    }
  },
  60_000,
);

test("films of fragments hold each picture in two frames; the lists that made the set stand in its description", async () => {
  await using video = openVideoService({ workers: 1 });
  const fragments = rowsOf("one").filter(({ frames }) => frames !== undefined);
  expect(fragments.length).toBeGreaterThan(10);
  for (const { video: file, frames, framesEach } of fragments.slice(0, 6)) {
    expect(framesEach).toBe(2);
    const path = join(folder, "one", file);
    const batch = await readFrames(video, path, { select: { kind: "all" } });
    expect(batch.frames.length).toBe(2 * frames!);
    const apart = (at: number, next: number): number => {
      const [one, other] = [pixelsOf(batch, at), pixelsOf(batch, next)];
      return one.reduce((sum, value, i) => sum + Math.abs(value - other[i]!), 0) / one.length;
    };
    // Levels on average: what an encoder makes of a picture's grain twice, and what lies between two pictures.
    for (let at = 0; at < batch.frames.length; at += 2) {
      expect(apart(at, at + 1)).toBeLessThan(1.5);
      if (at > 0) expect(apart(at - 1, at)).toBeGreaterThan(3);
    }
  }
  const { recipe } = JSON.parse(readFileSync(join(folder, "one", "benchmark.json"), "utf8"));
  for (const name of ["effects.csv", "visual-synonyms.csv"])
    expect(recipe.settings.lists[name]).toBe(
      sha256(readFileSync(new URL(`../../src/fragments/finevidbench/${name}`, import.meta.url))),
    );
});

test("films at all speeds: one length in time, in pictures, in bytes; no picture twice", async () => {
  const films = rowsOf("one").filter(({ task, source }) => task === "speed" && source!.clip === "rub.mp4");
  await using video = openVideoService({ workers: 1 });
  const facts = await Promise.all(
    films.map(async ({ video: file }) => {
      const path = join(folder, "one", file);
      const { durationSeconds, timeline } = await video.probe(path);
      const batch = await readFrames(video, path, { select: { kind: "all" } });
      const pictures = new Set(batch.frames.map((_, at) => sha256(pixelsOf(batch, at))));
      expect(pictures.size).toBe(timeline.length);
      return [durationSeconds, timeline.length, readFileSync(path).length];
    }),
  );
  expect(facts).toHaveLength(4);
  for (const one of facts) expect(one).toEqual(facts[0]);
});

test("eval asks a prediction file, an endpoint and a checkpoint; all pictures of a fragment are shown", async () => {
  const rows = rowsOf("one");
  const data = join(folder, "one");
  const asked = (subject: string, out: string, limit?: number) =>
    worldRequest(data, subject, join(folder, out), {
      benchmark: "finevidbench",
      ...(limit !== undefined && { limit }),
    });
  const predictions = join(folder, "right.jsonl");
  writeFileSync(
    predictions,
    rows
      .map(({ id, answer }, at) => `${JSON.stringify({ id, answer: at === 0 ? "well" : answer })}\n`)
      .join(""),
  );
  const read = await evaluateSubject(asked(`predictions:${predictions}`, "read"), context);
  expect(read.views[0]!.outcomes).toMatchObject({ right: rows.length - 1, unread: 1, wrong: 0 });
  const page = readFileSync(read.report, "utf8");
  for (const text of ["scene tasks", "fragment tasks", "meaning of order", "Accuracy by action class"])
    expect(page).toContain(text);
  const counts = rows.filter(({ task }) => task === "frame-count");
  writeFileSync(join(folder, "counts.jsonl"), counts.map((row) => `${JSON.stringify(row)}\n`).join(""));
  // It counts the pictures that it is sent: right every time, or not all of them are shown.
  await using standIn = await startStandIn({
    answer: (body) => {
      const text = textOf(body);
      const [, letter] = new RegExp(`([A-D])\\. ${mediaOf(body).length}\\b`).exec(text) ?? [];
      return letter ?? "none";
    },
  });
  const counted = await evaluateSubject(
    {
      ...asked(`openai:endpoint=${standIn.baseUrl}#viewer`, "counted"),
      annotations: join(folder, "counts.jsonl"),
    },
    context,
  );
  expect(counted.views[0]!.accuracy.value).toBe(1);
  const model = join(folder, "model");
  writeQuestionCheckpoint(model, join(folder, "files"), rows);
  const random = await evaluateSubject(
    asked(`checkpoint:folder=${model},maxNewTokens=2`, "random", 20),
    context,
  );
  // Every temporal step of two frames holds one picture, twice.
  const steps = (await recordsOf(join(folder, "random"))).filter(({ skill }) => skill === "frame-count");
  expect(steps.length).toBeGreaterThan(0);
  for (const { questionId, frameIndices } of steps) {
    const { frames } = rows.find(({ id }) => id === questionId)!;
    expect(frameIndices).toEqual(Array.from({ length: 2 * frames! }, (_, at) => at));
  }
  const failed = (await recordsOf(join(folder, "random"))).flatMap(({ error, skill }) =>
    error === null ? [] : [`${skill}: ${error}`],
  );
  expect(failed).toEqual([]);
  expect(random.views[0]!.scored).toBe(20);
}, 120_000);

test("a dialogue says before a question what was asked and answered before, about other frames", async () => {
  const settings = { ...request("x").settings, mode: "dialogue" as const, sets: 1 };
  await fineVidBenchSet(request("talk", { settings }), context);
  const turns = rowsOf("talk").filter(({ source, id }) => source!.clip === "rub.mp4" && /\/1\//.test(id));
  expect(turns.map(({ question }) => question.split("Answer:").length - 1)).toEqual([0, 1, 2, 3, 4]);
  expect(new Set(turns.map(({ video }) => video)).size).toBe(5);
});
