import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../src/core/files.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { readDescription, readSampleFile, readSamples } from "../../src/dataset/read.ts";
import { validateDataset } from "../../src/dataset/validate.ts";
import { fragmentTasks } from "../../src/fragments/fragment-task.ts";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import { gradeAnswer } from "../../src/grading/grade-answer.ts";
import { fragmentsDataset } from "../../src/jobs/fragments/fragments.ts";
import type { FragmentSettings } from "../../src/jobs/fragments/protocol.ts";
import { openVideoService } from "../../src/video/service.ts";
import { runCommand } from "../extension/run-command.ts";
import { chromiumMissing, openChromium } from "./chromium.ts";

const [width, height, count] = [96, 64, 30];
let folder: string;
let clips: string;

/** A square that crosses a gradient; every clip another way. */
const writeClip = async (
  video: ReturnType<typeof openVideoService>,
  name: string,
  at: (t: number) => readonly [x: number, y: number],
): Promise<void> => {
  const pixels = new Uint8Array(count * width * height * 3);
  for (let t = 0; t < count; t++) {
    const [left, top] = at(t);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const inside = x >= left && x < left + 14 && y >= top && y < top + 14;
        const value = inside ? 240 : 60 + x;
        pixels.fill(value, ((t * height + y) * width + x) * 3, ((t * height + y) * width + x) * 3 + 3);
      }
  }
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / 10),
  }));
  await video.write(join(clips, name), { width, height, frames: [{ pixels, width, height, frames }] });
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fragments-"));
  clips = join(folder, "in");
  mkdirSync(clips);
  await using video = openVideoService({ workers: 1 });
  for (let n = 0; n < 6; n++)
    await writeClip(video, `moving-${n}.mp4`, (t) => [
      Math.round(t * (1 + n / 4)),
      5 + n * 4 + Math.round(t / 3),
    ]);
  await writeClip(video, "still.mp4", () => [20, 20]);
  await writeClip(video, "there-and-back.mp4", (t) => [t < 15 ? 4 * t : 4 * (29 - t), 20]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings: FragmentSettings = {
  tasks: ["consistency", "counting", "disorder", "localization", "rearrangement"],
  selector: "motion_guided",
  perClip: 2,
  seed: 3,
  form: "images",
  mode: "independent",
  pixels: 96,
  windowSeconds: 8,
  framesPerWindow: 48,
  store: "link",
};
const reading = { decoder: "auto", cache: false, cacheSize: 1e6 } as const;
const context = {
  progress: () => ({ update: () => {}, log: () => {} }),
  signal: new AbortController().signal,
  warn: () => {},
};
const make = (name: string, more: Partial<FragmentSettings> = {}, workers = 1) =>
  fragmentsDataset(
    {
      sources: [{ place: clips }],
      out: join(folder, name),
      settings: { ...settings, ...more },
      reading,
      notIn: [],
      workers,
    },
    context,
  );

/** Every file of a data set that is passed on, and its content. */
const contentOf = (name: string): Record<string, string> => {
  const root = join(folder, name);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return Object.fromEntries(
    files
      .map((one) => join(one.parentPath, one.name))
      .filter((file) => !file.includes("/.build/") && !/index\.html|card\.md/.test(file))
      .map((file) => [relative(root, file), sha256(readFileSync(file))] as const)
      .sort(),
  );
};

test("pictures of every task; the same bytes whatever the workers; refused clips with their reason", async () => {
  const made = await make("one");
  const { counts, skills } = made.description;
  expect(Object.keys(skills).sort()).toEqual([...settings.tasks].sort());
  expect(await validateDataset(join(folder, "one"), { clips: true })).toEqual([]);
  await make("two", {}, 3);
  expect(contentOf("two")).toEqual(contentOf("one"));
  for await (const sample of readSamples(join(folder, "one"))) {
    const { answer, answerKind, options, messages } = sample;
    expect(gradeAnswer({ answer, answerKind, completion: answer, ...(options && { options }) }).correct).toBe(
      true,
    );
    const images = messages.at(-1)!.content.flatMap((part) => (part.type === "image" ? [part.image] : []));
    const files = images.map((image) => readFileSync(join(folder, "one", image)));
    // Neither the bytes of a file nor how many there are tell which pictures show one frame.
    const isStill = sample.skill === "counting" && sample.id.startsWith("still");
    if (!isStill) expect(new Set(files.map((file) => sha256(file))).size).toBe(files.length);
    expect(new Set(files.map(({ length }) => length)).size).toBe(1);
    expect(JSON.stringify(messages)).not.toMatch(/moving|still|\d+\.\d+ s/);
  }
  // What two questions about the order show is never the same frame: the one would tell the other's answer.
  const shownFrames = new Map<unknown, number[]>();
  let inOrder = 0;
  for await (const { skill, provenance } of readSamples(join(folder, "one"))) {
    const { clip, fragment, shown } = provenance as { clip: string; fragment: number[]; shown: number[] };
    if (skill === "counting" && shown.join() === fragment.join()) inOrder++;
    if (skill === "disorder" || skill === "rearrangement")
      shownFrames.set(clip, [...(shownFrames.get(clip) ?? []), ...fragment]);
  }
  expect(shownFrames.size).toBe(6);
  for (const all of shownFrames.values()) expect(new Set(all).size).toBe(all.length);
  expect(inOrder).toBeLessThan(6);
  const rejected = readFileSync(join(folder, "one", "rejected.jsonl"), "utf8");
  const rules = rejected
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { source: string; ruleId: string });
  const about = (name: string): string[] =>
    rules
      .filter(({ source }) => source.startsWith(name))
      .map(({ ruleId, source }) => `${ruleId} ${source.split(", ").at(-1)}`);
  expect(new Set(about("there"))).toEqual(new Set(["reversible disorder", "reversible rearrangement"]));
  expect(about("still")).toContain("static rearrangement");
  expect(about("still").join()).not.toContain("counting");
  expect(about("moving")).toEqual([]);
  expect(counts.samples).toBe(6 * 2 * 5 + 2 * 3 + 2);
}, 120_000);

test("a short clip shows every picture for a second, twice, so that two frames a second are whole pairs of it", async () => {
  const { folder: out } = await make("clip", { form: "clip" });
  await using video = openVideoService({ workers: 1 });
  expect(await validateDataset(out, { clips: true })).toEqual([]);
  let seen = 0;
  for await (const sample of readSamples(out)) {
    if (seen++ > 12) break;
    const { timeline } = await video.probe(join(out, sample.clip.file));
    const shown = sample.provenance["shown"] as number[];
    const frames = shown.flatMap((place) => [place, place]);
    expect(timeline.map(({ timeSeconds }): number => timeSeconds)).toEqual(frames.map((_, at) => at / 2));
    expect(sample.clip.timeline).toEqual(timeline);
    const read = await readFrames(video, join(out, sample.clip.file), { select: { kind: "fps", fps: 2 } });
    expect(read.frames).toHaveLength(2 * shown.length);
    const apart = (a: number, b: number): number =>
      pixelsOf(read, a).reduce((sum, level, n) => sum + Math.abs(level - pixelsOf(read, b)[n]!), 0);
    // The two of a temporal step are nearer to each other than any of two pictures.
    if (sample.skill === "rearrangement")
      for (let at = 0; at < read.frames.length; at += 2)
        for (let other = 0; other < read.frames.length; other++)
          if (other !== at && other !== at + 1) expect(apart(at, at + 1)).toBeLessThan(apart(at, other));
  }
  expect(readdirSync(join(out, "clips")).some((name) => name.startsWith("."))).toBe(false);
}, 120_000);

test("a dialogue ends where frames were said to be in order, and shows no order before", async () => {
  const { folder: out } = await make("dialogue", { mode: "dialogue" });
  const turns: Record<string, string[]> = {};
  for await (const { id, skill, messages, answer } of readSampleFile(join(out, "samples-00000.jsonl"))) {
    const key = id.split("/").slice(0, -1).join("/");
    turns[key] = [...(turns[key] ?? []), `${skill} ${answer}`];
    expect(messages.length).toBe(turns[key].length * 2 - 1);
  }
  for (const said of Object.values(turns)) {
    const at = said.indexOf("disorder no");
    if (at >= 0) expect(at).toBe(said.length - 1);
  }
  await expect(make("both", { mode: "dialogue", form: "clip" })).rejects.toThrow("a sample has one clip");
}, 120_000);

test("killed at any time, the same command goes on and ends in the same bytes", async () => {
  const out = join(folder, "killed");
  const results = join(out, ".build", "results", "00000");
  const args = [
    clips,
    "--out",
    out,
    "--per-clip",
    "2",
    "--seed",
    "3",
    "--pixels",
    "96",
    "--no-cache",
    "--workers",
    "1",
  ];
  const program = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, "fragments", ...args], {
    stdio: "ignore",
  });
  const ended = new Promise((done) => child.once("close", done));
  for (let n = 0; n < 600 && !(existsSync(results) && readdirSync(results).length >= 2); n++) await wait(50);
  child.kill("SIGKILL");
  await ended;
  expect(existsSync(join(out, "dataset.json"))).toBe(false);
  const again = await make("killed");
  expect(again.resumedClips).toBeGreaterThan(0);
  expect(again.resumedClips).toBeLessThan(8);
  expect(contentOf("killed")).toEqual(contentOf("one"));
}, 120_000);

/** Enough clips for a thread each of two decoders: those that there are, under several names. */
const manyClips = (): string => {
  const many = join(folder, "many");
  mkdirSync(many);
  for (let copy = 0; copy < 4; copy++)
    for (const name of readdirSync(clips)) copyFileSync(join(clips, name), join(many, `${copy}-${name}`));
  return many;
};

test("threads make the same bytes as this one; stopped, they go on; what only this process knows is refused", async () => {
  const place = manyClips();
  const request = (name: string, workers: number, more: Partial<FragmentSettings> = {}) => ({
    sources: [{ place }],
    out: join(folder, name),
    settings: { ...settings, perClip: 1, ...more },
    reading,
    notIn: [join(clips, "moving-5.mp4")],
    workers,
  });
  const here = await fragmentsDataset(request("here", 1), context);
  expect(here.rejectedByRule["not-in"]).toBe(4);
  const stop = new AbortController();
  const stopping = fragmentsDataset(request("threads", 2), {
    ...context,
    signal: stop.signal,
    progress: () => ({
      update: (done) => {
        if (done >= 9) stop.abort();
      },
      log: () => {},
    }),
  });
  await expect(stopping).rejects.toMatchObject({ name: "AbortError" });
  const there = await fragmentsDataset(request("threads", 2), context);
  expect(there.resumedClips).toBeGreaterThanOrEqual(9);
  expect(there.resumedClips).toBeLessThan(32);
  expect(there.rejectedByRule).toEqual(here.rejectedByRule);
  expect(contentOf("threads")).toEqual(contentOf("here"));
  await expect(fragmentsDataset(request("own", 2, { tasks: ["disordr"] }), context)).rejects.toThrow(
    'did you mean "disorder"',
  );
  const own = { ...(await fragmentTasks.choose("counting")).plugin };
  fragmentTasks.add("known-here", own);
  await expect(fragmentsDataset(request("own", 2, { tasks: ["known-here"] }), context)).rejects.toThrow(
    'the fragment task "known-here" is known to this process only',
  );
}, 120_000);

test.skipIf(chromiumMissing("the page of fragments"))(
  "the page fits 420 pixels in both colour schemes, whatever clips are called",
  async () => {
    const long = join(folder, "long");
    mkdirSync(long);
    for (const name of ["moving-1", "still"])
      copyFileSync(join(clips, `${name}.mp4`), join(long, `${name}${"0123456789abcdef".repeat(5)}.mp4`));
    await fragmentsDataset(
      { sources: [{ place: long }], out: join(folder, "page"), settings, reading, notIn: [], workers: 1 },
      context,
    );
    const browser = await openChromium();
    try {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await browser.newPage({ viewport: { width: 420, height: 900 }, colorScheme });
        await page.goto(pathToFileURL(join(folder, "page", "index.html")).href);
        expect(await page.locator("img").count()).toBeGreaterThan(4);
        expect(await page.locator("td").count()).toBeGreaterThan(2);
        // Names stand below their pictures, not in the question.
        const said = (await page.locator(".card > p").allTextContents()).join("\n");
        expect(said).not.toMatch(/Frame \d:/);
        const named = page.locator("figure", { has: page.locator("figcaption") }).first();
        const names = named.locator("figcaption span");
        expect(await names.first().textContent()).toBe("Frame 1");
        const [strip, last] = [await named.locator("img").boundingBox(), await names.last().boundingBox()];
        expect(last!.x + last!.width).toBeCloseTo(strip!.x + strip!.width, -1);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(420);
        await page.close();
      }
    } finally {
      await browser.close();
    }
  },
  60_000,
);

test("--split parts a set by clip; --not-in keeps clips out by content and by name, whatever the form; tasks have parameters", async () => {
  const apart = join(folder, "bench");
  mkdirSync(apart);
  copyFileSync(join(clips, "moving-1.mp4"), join(apart, "film.mp4"));
  writeFileSync(join(folder, "list.txt"), "moving-3.mp4\n");
  const parts = new Map<string, Set<unknown>>();
  for (const form of ["images", "clip"]) {
    const out = join(folder, `parts-${form}`);
    const { status, stderr } = runCommand(
      ...["fragments", clips, "--out", out, "--form", form, "--pixels", "64", "--no-cache"],
      ...["--tasks", "rearrangement:least=3,most=3,counting", "--split", "validation=0.2,test=0.4"],
      ...["--not-in", apart, join(folder, "list.txt")],
    );
    expect([status, stderr]).toEqual([0, expect.not.stringContaining("    at ")]);
    for await (const { provenance, split, skill, answer } of readSamples(out)) {
      const clip = String(provenance["clip"]);
      parts.set(clip, (parts.get(clip) ?? new Set()).add(split));
      if (skill === "rearrangement") expect(answer.split(",").length).toBe(3);
    }
    const rejected = readFileSync(join(out, "rejected.jsonl"), "utf8");
    expect(rejected.match(/"ruleId":"not-in"/g)?.length).toBe(2);
    expect(readDescription(out).recipe.params["notIn"]).toMatchObject({ hashes: 1, names: 2 });
  }
  // A list that has grown is another order: what it keeps out was let in before.
  writeFileSync(join(folder, "list.txt"), "moving-3.mp4\nmoving-4.mp4\n");
  const grown = runCommand(
    ...[
      "fragments",
      clips,
      "--out",
      join(folder, "parts-clip"),
      "--form",
      "clip",
      "--pixels",
      "64",
      "--no-cache",
    ],
    ...["--tasks", "rearrangement:least=3,most=3,counting", "--split", "validation=0.2,test=0.4"],
    ...["--not-in", apart, join(folder, "list.txt")],
  );
  expect([grown.status, grown.stderr]).toEqual([
    2,
    expect.stringMatching(/^the folder holds another build: .*; got notIn .*"names":2.*, now .*"names":3/m),
  ]);
  expect([...parts.keys()].sort()).toEqual(
    ["moving-0", "moving-2", "moving-4", "moving-5", "still", "there-and-back"].map((name) => `${name}.mp4`),
  );
  for (const own of parts.values()) expect(own.size).toBe(1);
  const named = new Set([...parts.values()].flatMap((own) => [...own]));
  expect(named.size).toBeGreaterThan(1);
  const wrong = runCommand("fragments", clips, "--out", join(folder, "y"), "--split", "tests=0.1");
  expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/^bad --split; expected/)]);
}, 120_000);

test("the command says what is wrong in one line", () => {
  const wrong = runCommand("fragments", clips, "--out", join(folder, "x"), "--tasks", "countin");
  expect([wrong.status, wrong.stderr]).toEqual([
    2,
    expect.stringMatching(/^unknown fragment task "countin"; did you mean "counting"/),
  ]);
  const other = runCommand(
    "fragments",
    clips,
    "--out",
    join(folder, "one"),
    "--seed",
    "4",
    "--per-clip",
    "2",
  );
  expect([other.status, other.stderr]).toEqual([
    2,
    expect.stringContaining("the folder holds another build"),
  ]);
});
