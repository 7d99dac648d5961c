import { spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkedPair } from "../../src/absent/pair.ts";
import { absentBatch } from "../../src/absent/twin-frames.ts";
import { twinView } from "../../src/absent/twin-view.ts";
import { sha256OfFile } from "../../src/core/files.ts";
import type { FrameBatch } from "../../src/frames/frame-batch.ts";
import { openVideoService, type VideoService } from "../../src/video/service.ts";
import { openDecoder } from "../open-decoder.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const width = 96;
const height = 64;
const caption = "A red square flashes while a grey square drifts.";
let folder: string;
let clip: string;
let video: VideoService;

/** Two seconds at uneven times: a grey square drifts, a red one is there for five frames. */
const frames = (): FrameBatch => {
  const count = 50;
  const pixels = new Uint8Array(count * width * height * 3);
  for (let frame = 0; frame < count; frame++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = ((frame * height + y) * width + x) * 3;
        const drifting = x >= 10 + frame && x < 24 + frame && y >= 6 && y < 20;
        const flashing = frame >= 24 && frame < 29 && x >= 60 && x < 84 && y >= 34 && y < 58;
        pixels.set(flashing ? [230, 30, 30] : drifting ? [120, 120, 120] : [40 + y, 60, 90], at);
      }
  const times = Array.from({ length: count }, (_, index) => ({
    index,
    timeSeconds: index / 25 + (index % 3 === 1 ? 0.01 : 0),
  }));
  return { pixels, width, height, frames: times as unknown as FrameBatch["frames"] };
};

const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    env: { ...process.env, VIDEOPERCEIVER_CACHE: join(folder, "cache") },
  });
const allFrames = async (file: string): Promise<FrameBatch> => {
  const parts: FrameBatch[] = [];
  for await (const part of video.frames(file, { select: { kind: "all" } })) parts.push(part);
  return {
    ...parts[0]!,
    frames: parts.flatMap((p) => p.frames),
    pixels: Buffer.concat(parts.map((p) => p.pixels)),
  };
};
const frameOf = (batch: FrameBatch, at: number): Buffer =>
  Buffer.from(batch.pixels.buffer, batch.pixels.byteOffset + at * width * height * 3, width * height * 3);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "absent-e2e-"));
  clip = join(folder, "clip.mp4");
  video = openVideoService({ workers: 1 });
  await video.write(clip, { width, height, frames: [frames()] });
});
afterAll(async () => {
  await video.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("absent", () => {
  it.each(["previous-frame", "span", "random", "mask"])(
    "%s: four files, only declared frames changed, true times kept",
    async (builder) => {
      const out = join(folder, `pair ${builder}`);
      const result = run(
        "absent",
        clip,
        "--caption",
        caption,
        "--builder",
        builder,
        "--relevance",
        "motion:0.2",
        "--fps",
        "all",
        "--out",
        out,
        "--json",
      );
      expect(result.stderr).not.toContain("Error");
      expect(result.status).toBe(0);
      const said = JSON.parse(result.stdout);
      expect(readdirSync(out).sort()).toEqual(["absent.mp4", "complete.mp4", "pair.json", "sheet.png"]);
      expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
      const pair = checkedPair(JSON.parse(readFileSync(join(out, "pair.json"), "utf8")), "pair.json");
      expect(pair).toEqual(said.pair);
      expect(pair.keywords).toEqual(["flash", "drift"]);
      expect(pair.keyFrames.some((key) => key >= 24 && key < 29)).toBe(true);
      expect(await sha256OfFile(join(out, "absent.mp4"))).toBe(pair.absent!.sha256);
      expect(pair.source!.sha256).toBe(await sha256OfFile(clip));
      const [complete, absent] = [
        await allFrames(join(out, "complete.mp4")),
        await allFrames(join(out, "absent.mp4")),
      ];
      const truth = (await video.probe(clip)).timeline;
      for (const written of [complete, absent])
        for (const [at, { timeSeconds }] of written.frames.entries())
          expect(Math.abs(timeSeconds - truth[at]!.timeSeconds)).toBeLessThan(1e-3);
      expect(complete.frames).toHaveLength(50);
      const declared = new Set(pair.replacements.map(({ index }) => index));
      expect(declared.size).toBeGreaterThan(0);
      if (builder !== "mask")
        for (let at = 0; at < 50; at++)
          if (!declared.has(at)) expect(frameOf(absent, at).equals(frameOf(complete, at))).toBe(true);
      expect(said.fidelity.completePsnr).toBeGreaterThan(32);
      expect(said.fidelity.absentPsnr).toBeGreaterThan(32);
      if (builder !== "mask") expect(said.fidelity.untouchedPsnr).toBeNull();
      const source = await allFrames(clip);
      const twin = absentBatch(source, await twinView(pair));
      for (let at = 0; at < 50; at++)
        expect(frameOf(twin, at).equals(frameOf(source, at))).toBe(!declared.has(at));
    },
  );

  it.each([
    ["known spans", ["--relevance", "events:0.9-1.2"], []],
    ["known spans and keywords", ["--relevance", "events:0.9-1.2", "--keywords", "red flash"], ["red flash"]],
    ["motion", [], []],
  ])("needs no caption for %s", (name, choice, keywords) => {
    const out = join(folder, `no caption, ${name}`);
    const result = run("absent", clip, ...choice, "--virtual", "--out", out, "--json");
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).not.toContain("no keywords");
    const { pair } = JSON.parse(result.stdout);
    expect(pair).toEqual(JSON.parse(readFileSync(join(out, "pair.json"), "utf8")));
    expect(pair.keywords).toEqual(keywords);
    expect(pair).not.toHaveProperty("caption");
    expect(pair).not.toHaveProperty("keywordSource");
    expect(pair.replacements.length).toBeGreaterThan(0);
    const found = run("keyframes", clip, ...choice, "--json");
    expect(found.status, found.stderr).toBe(0);
    expect(JSON.parse(found.stdout).keywords).toEqual(keywords);
  });

  it("--virtual writes no clip and refers to the source", async () => {
    const out = join(folder, "virtual");
    const result = run("absent", clip, "--caption", caption, "--virtual", "--out", out);
    expect(result.status).toBe(0);
    expect(readdirSync(out).sort()).toEqual(["pair.json", "sheet.png"]);
    const pair = checkedPair(JSON.parse(readFileSync(join(out, "pair.json"), "utf8")), "pair.json");
    expect(pair.absent).toBeUndefined();
    expect(pair.complete.file).toBe("../clip.mp4");
    expect(pair.complete.sha256).toBe(await sha256OfFile(clip));
  });

  it("gives the same pair again", () => {
    const [a, b] = ["one", "two"].map((name) => {
      const result = run(
        "absent",
        clip,
        "--caption",
        caption,
        "--builder",
        "random",
        "--seed",
        "5",
        "--out",
        join(folder, name),
        "--json",
        "--no-cache",
      );
      return JSON.parse(result.stdout).pair;
    });
    expect(a).toEqual(b);
  });

  it("gives the same pair.json with a cold and a warm cache, and none, for what scores small pictures", async () => {
    // A dot that 16 pixels a side do not show: frames may be compared only at one size.
    const dotted = join(folder, "dot.mp4");
    const [wide, high, count] = [320, 240, 40];
    const pixels = new Uint8Array(count * wide * high * 3).fill(100);
    for (let frame = 0; frame < count; frame++)
      for (let y = 100; y < 102; y++)
        pixels.fill(
          130,
          ((frame * high + y) * wide + 20 + 4 * frame) * 3,
          ((frame * high + y) * wide + 22 + 4 * frame) * 3,
        );
    const times = Array.from({ length: count }, (_, index) => ({ index, timeSeconds: index / 20 }));
    const batch = { pixels, width: wide, height: high, frames: times as unknown as FrameBatch["frames"] };
    await video.write(dotted, { width: wide, height: high, frames: [batch], encode: { crf: 1 } });
    const out = join(folder, "dot pair");
    const pairs = ["cold", "warm", "none"].map((cache) => {
      const args = [
        "absent",
        dotted,
        "--caption",
        "A dot moves.",
        "--relevance",
        "events:0.5-1",
        "--virtual",
      ];
      const { status, stderr } = run(...args, "--out", out, ...(cache === "none" ? ["--no-cache"] : []));
      expect(status, stderr).toBe(0);
      return readFileSync(join(out, "pair.json"), "utf8");
    });
    expect(JSON.parse(pairs[0]!).replacements.length).toBeGreaterThan(0);
    expect(pairs[1]).toBe(pairs[0]);
    expect(pairs[2]).toBe(pairs[0]);
  });

  it("overwrites no other pair without --force; says what was replaced, and what motion did not read", () => {
    const out = join(folder, "taken");
    const args = ["absent", clip, "--caption", caption, "--virtual", "--fps", "all", "--out", out];
    const read = (): string => readFileSync(join(out, "pair.json"), "utf8");
    const said = run(...args).stdout;
    expect(said).toMatch(/^relevance: motion \(did not read the caption\): how much more/m);
    expect(said).toMatch(/^replaced: \d+ of the clip's 50 frames \(\d+\.\d %\)$/m);
    const first = read();
    const changed = [...args, "--builder", "span"];
    const refused = run(...changed, "--json");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("there is another pair already");
    expect(JSON.parse(refused.stdout).error.hint).toContain("--force");
    expect(read()).toBe(first);
    expect(run(...changed, "--force").status).toBe(0);
    expect(read()).not.toBe(first);
  });

  it("refuses names that are none before the first of many clips, once and with status 2", () => {
    const other = join(folder, "other.mp4");
    copyFileSync(clip, other);
    const out = join(folder, "many");
    for (const [option, name] of [
      ["--builder", "spam"],
      ["--relevance", "moton"],
      ["--extractor", "offlin"],
    ] as const)
      for (const args of [["absent", "--out", out], ["keyframes"]]) {
        const { status, stderr } = run(...args, clip, other, "--caption", caption, option, name);
        expect(stderr).toMatch(new RegExp(`^[^\\n]*"${name}"[^\\n]*\\n$`));
        expect(status).toBe(2);
      }
    expect(existsSync(out)).toBe(false);
  });

  it.runIf(process.platform === "linux")(
    "refuses a place that takes nothing at once, and goes on without a cache",
    () => {
      const before = performance.now();
      const refused = run("absent", clip, "--caption", caption, "--out", "/proc/videoperceiver/pair");
      expect(refused.status).toBe(2);
      expect(refused.stderr).toMatch(/^cannot write there: \/proc[^\n]*\n$/);
      expect(performance.now() - before).toBeLessThan(10_000);
      const env = { ...process.env, VIDEOPERCEIVER_CACHE: "/proc/videoperceiver/cache" };
      const args = ["keyframes", clip, "--caption", caption, "--json"];
      const uncached = spawnSync(process.execPath, [program, ...args], {
        encoding: "utf8",
        env,
        timeout: 60_000,
      });
      expect(uncached.status, uncached.stderr).toBe(0);
      expect(uncached.stderr).toMatch(/^warning: nothing is kept: cannot make a folder: \/proc[^\n]*$/m);
    },
  );

  // The ffmpeg program is ended by this limit; its words for a full disk are in the unit test of `writeFailure`.
  it.runIf(process.platform === "linux").each(["node-av"])(
    "%s: a place that takes no more is named, not the clip",
    async (decoder) => {
      const service = await openDecoder(decoder, { workers: 1 });
      if (service === undefined) return;
      await service.close();
      const out = join(folder, `full of ${decoder}`);
      const command = `trap '' XFSZ; ulimit -f 1; exec "$@"`;
      const args = ["absent", clip, "--caption", caption, "--no-cache", "--decoder", decoder, "--out", out];
      const { status, stderr } = spawnSync("bash", ["-c", command, "-", process.execPath, program, ...args], {
        encoding: "utf8",
        env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" },
      });
      expect(status, stderr).toBe(2);
      const line = stderr.trim().split("\n").at(-1)!;
      expect(line).toContain("cannot write");
      expect(line).toContain(`full of ${decoder}`);
      expect(line).toMatch(/file too large.*make room there/i);
      expect(line).not.toContain(clip);
      expect(existsSync(out)).toBe(false);
    },
  );

  it.runIf(process.platform === "linux")("says in one line that standard output takes no more", () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [program, "probe", clip, "--json"], {
      encoding: "utf8",
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^cannot write to standard output; got [^\n]*no space left on device[^\n]*\n$/);
  });

  it("chooses the frames to look at with the pair, by the spans that it was made of", () => {
    const out = join(folder, "sparsified");
    const said = run(
      ...["absent", clip, "--caption", caption, "--relevance", "events:0.5-0.8", "--virtual", "--fps", "all"],
      ...["--sparsify", "0.2", "--out", out],
    );
    expect(said.status).toBe(0);
    expect(said.stdout).toMatch(/^sparsified: \d+ frames, \d+\.\d % in events or around key frames/m);
    const pair = checkedPair(JSON.parse(readFileSync(join(out, "pair.json"), "utf8")), "pair.json");
    const times = new Map(pair.timeline.map(({ index, timeSeconds }) => [index as number, timeSeconds]));
    const inside = pair.frames!.filter((index) => {
      const time = times.get(index);
      return time !== undefined && time >= 0.5 - 1e-6 && time < 0.8;
    });
    expect(inside.length).toBeGreaterThan(0);
    expect(pair.sparsified!.share).toBe(0.2);
    expect(inside.length / pair.frames!.length).toBeCloseTo(pair.sparsified!.keyShare, 1);
    expect(Math.abs(pair.sparsified!.keyShare - 0.2)).toBeLessThan(1 / pair.frames!.length + 1e-6);
    const bad = run("absent", clip, "--caption", caption, "--sparsify", "5", "--out", join(folder, "none"));
    expect(bad.status).toBe(2);
  });

  it("warns when a clip has nothing to take away", async () => {
    const still = join(folder, "still.mp4");
    const batch = frames();
    for (let at = 1; at < 50; at++) frameOf(batch, at).set(frameOf(batch, 0));
    await video.write(still, { width, height, frames: [batch], encode: { crf: 0 } });
    const result = run("absent", still, "--caption", caption, "--out", join(folder, "nothing"));
    expect(result.status).toBe(0);
    expect(result.stdout).toContain("warning: nothing to take away");
  });

  it.each([
    ["a missing file", ["nowhere.mp4", "--caption", "x"], "no such file: nowhere.mp4"],
    ["text named .mp4", ["text.mp4", "--caption", "A dog jumps."], "text.mp4"],
    [
      "an empty caption",
      ["clip.mp4", "--caption", "  "],
      "empty caption; expected --caption with what happens in the clip",
    ],
    [
      "an unknown provider",
      ["clip.mp4", "--caption", "x", "--relevance", "moton"],
      'unknown relevance provider "moton"; did you mean "motion"?',
    ],
    [
      "an unknown builder",
      ["clip.mp4", "--caption", "x", "--builder", "spam"],
      'unknown builder "spam"; did you mean "span"?',
    ],
    [
      "an unknown extractor",
      ["clip.mp4", "--caption", "x", "--extractor", "ofline"],
      'unknown keyword extractor "ofline"; did you mean "offline"?',
    ],
    [
      "a bad rate",
      ["clip.mp4", "--caption", "x", "--fps", "-2"],
      'expected a number >= 0.000001 and <= 1000000, "all" or "auto"; got "-2"',
    ],
    ["a rate beyond all clips", ["clip.mp4", "--caption", "x", "--fps", "1e9"], 'got "1e9"'],
    ["a bad number", ["clip.mp4", "--caption", "x", "--top", "1.5"], 'expected an integer >= 1; got "1.5"'],
    [
      "--strict with an option",
      ["clip.mp4", "--caption", "x", "--strict", "--top", "2"],
      "--strict is the paper's rule without options; got --top",
    ],
    [
      "no words for a provider that compares with them",
      ["clip.mp4", "--relevance", "blip2:http://127.0.0.1:9"],
      "relevance blip2 compares frames with words, and there are none; expected --caption with what happens in the clip, or --keywords a,b",
    ],
    [
      "a provider without its weights",
      ["clip.mp4", "--caption", "A dog jumps.", "--relevance", "checkpoint"],
      "relevance checkpoint needs a folder",
    ],
  ])("answers %s with one line and status 2", (_, args, message) => {
    writeFileSync(join(folder, "text.mp4"), "this is no video\n".repeat(50));
    const [file, ...rest] = args as [string, ...string[]];
    const result = run(
      "absent",
      existsSync(join(folder, file)) ? join(folder, file) : file,
      ...rest,
      "--out",
      join(folder, "never"),
    );
    expect(result.status).toBe(2);
    const lines = result.stderr
      .trim()
      .split("\n")
      .filter((line) => !line.includes("frames  scored"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(message);
    expect(existsSync(join(folder, "never"))).toBe(false);
  });
});

describe("keyframes", () => {
  it("prints the fixed JSON and remembers scores", () => {
    const ask = () =>
      run(
        "keyframes",
        clip,
        "--caption",
        caption,
        "--keywords",
        "flash, red square",
        "--relevance",
        "motion:0.2",
        "--json",
      );
    const first = JSON.parse(ask().stdout);
    expect(first.keywords).toEqual(["flash", "red square"]);
    expect(first.relevance).toMatchObject({ name: "motion", params: { reachSeconds: 0.2 } });
    expect(Object.keys(first.frames[0]).sort()).toEqual(["index", "isKey", "score", "timeSeconds"]);
    expect(first.frames.filter((f: { isKey: boolean }) => f.isKey).length / first.frames.length).toBe(
      first.keyFrameShare,
    );
    expect(first).toMatchObject({ readCaption: false, replacedShare: expect.any(Number) });
    const again = ask();
    expect(JSON.parse(again.stdout)).toEqual(first);
    expect(again.stderr).not.toContain("scored");
  });
});
