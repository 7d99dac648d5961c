import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildClip } from "../../src/jobs/build/build-clip.ts";
import { type ClipTools, openClipTools } from "../../src/jobs/build/clip-tools.ts";
import type { BuildOrder, PlannedClip } from "../../src/jobs/build/protocol.ts";
import { writeClips } from "./build/clips.ts";

let folder: string;
const never = new AbortController().signal;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "build-clip-"));
  process.env["VIDEOPERCEIVER_CACHE"] = join(folder, "cache");
  await writeClips(folder, 1);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const orderTo = (out: string, cache: boolean): BuildOrder => ({
  out: join(folder, out),
  settings: {
    relevance: "motion",
    builder: "span",
    extractor: "offline",
    scored: "auto",
    questions: ["describe"],
    seed: 0,
    store: "link",
    untwinned: false,
    preview: { frames: 8, pixels: 64, quality: 50 },
  },
  reading: { decoder: "auto", cache, cacheSize: 1e8 } as BuildOrder["reading"],
  plugins: [],
  captions: [],
  processes: 1,
});

const planned = (captions: readonly string[]): PlannedClip => ({
  position: 0,
  path: join(folder, "clips/c0.mp4"),
  name: "c0.mp4",
  firstRow: 0,
  rows: captions.map((caption, at) => ({
    sourceNumber: 0,
    row: { id: `row-${at}`, clip: { file: "c0.mp4" }, caption, provenance: {} },
  })),
});

/** Builds a clip, and what `onFrames` sees whenever its file is decoded. */
const built = async (
  order: BuildOrder,
  captions: readonly string[],
  onFrames: (indices: unknown) => void,
): Promise<Awaited<ReturnType<typeof buildClip>>> => {
  mkdirSync(join(order.out, "clips"), { recursive: true });
  await using tools = await openClipTools(order, () => {});
  const { direct } = tools.clips;
  const watched: typeof direct = {
    probe: (...args) => direct.probe(...args),
    write: (...args) => direct.write(...args),
    rewrite: (...args) => direct.rewrite(...args),
    decoder: () => direct.decoder(),
    close: () => direct.close(),
    [Symbol.asyncDispose]: () => direct.close(),
    frames: (...args) => {
      onFrames(args[1].select);
      return direct.frames(...args);
    },
  };
  const clips = { ...tools.clips, direct: watched };
  return await buildClip(planned(captions), { ...tools, clips } as ClipTools, never);
};

test("a second row about a clip decodes nothing that was seen, and comes out as if it had", async () => {
  const [one, two]: [unknown[], unknown[]] = [[], []];
  const captions = ["A bright square flashes.", "A square of light appears."];
  const first = await built(orderTo("one", false), captions.slice(0, 1), (select) => one.push(select));
  const both = await built(orderTo("two", false), captions, (select) => two.push(select));
  expect(both.built.rows).toHaveLength(2);
  expect(both.built.rows[0]).toEqual(first.built.rows[0]);
  expect(both.built.rows[1]!.view).toEqual(first.built.rows[0]!.view);
  expect(one.length).toBeGreaterThan(0);
  expect(two).toEqual(one);
});

test("the clip gets its second name when nobody reads it any more: its hash is remembered by the file's times", async () => {
  const order = orderTo("linked", true);
  const linked: number[] = [];
  const { built: clip } = await built(order, ["A bright square flashes."], () =>
    linked.push(readdirSync(join(order.out, "clips")).length),
  );
  expect(linked.length).toBeGreaterThan(0);
  expect(new Set(linked)).toEqual(new Set([0]));
  expect(readdirSync(join(order.out, "clips"))).toEqual([`${clip.sha256}.mp4`]);
});

test("the time of a clip is a measure only where its scores were computed", async () => {
  rmSync(join(folder, "cache"), { recursive: true, force: true });
  const captions = ["A bright square flashes."];
  const cold = await built(orderTo("cold", true), captions, () => {});
  const warm = await built(orderTo("warm", true), captions, () => {});
  expect([cold.isMeasure, warm.isMeasure]).toEqual([true, false]);
  expect(warm.built).toEqual(cold.built);
});
