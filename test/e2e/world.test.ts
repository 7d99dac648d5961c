import { spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../src/core/errors.ts";
import { readDescription, readSamples } from "../../src/dataset/read.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import { validateDataset } from "../../src/dataset/validate.ts";
import { openVideoService } from "../../src/video/service.ts";
import { planClip } from "../../src/world/clip.ts";
import { loadEncoder } from "../../src/world/encode.ts";
import { generateWorld } from "../../src/world/generate.ts";
import { worldProfile } from "../../src/world/profile.ts";
import { renderClip } from "../../src/world/render.ts";
import { hashedFiles } from "../hashed-files.ts";

const profile = worldProfile("quickstart");
const count = 140;
const command = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));
const usable = await loadEncoder().then(
  () => true,
  () => false,
);
if (!usable) console.warn("SKIPPED: the world's clips cannot be written here (neither node-av nor ffmpeg)");

let folder: string;

describe.skipIf(!usable)("a generated world", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "videoperceiver-world-"));
    await generateWorld({ count, seed: "s", profile, out: join(folder, "whole"), workers: 3 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("names the held-out part row by row and changes nothing else, whatever the number of workers", async () => {
    const held = { count: 9, seed: "h", profile };
    const [plain, one, two] = ["plain", "one", "two"].map((name) => join(folder, `held-${name}`)) as [
      string,
      string,
      string,
    ];
    await generateWorld({ ...held, out: plain, workers: 1 });
    await generateWorld({ ...held, heldOut: 4, out: one, workers: 1 });
    await generateWorld({ ...held, heldOut: 4, out: two, workers: 2 });
    expect(hashedFiles(two)).toEqual(hashedFiles(one));
    const rows = async (path: string): Promise<Sample[]> => {
      const samples: Sample[] = [];
      for await (const sample of readSamples(path)) samples.push(sample);
      return samples;
    };
    const marked = await rows(one);
    expect(marked.map(({ split: _, ...rest }) => rest)).toEqual(await rows(plain));
    const clips = [...new Set(marked.map(({ clip }) => clip.sha256))];
    for (const { clip, split } of marked)
      expect(split).toBe(clips.indexOf(clip.sha256) < 5 ? "train" : "test");
    expect(await validateDataset(one, { clips: true })).toEqual([]);
    // Another part is another world: the folder is not gone on with.
    await expect(generateWorld({ ...held, heldOut: 3, out: one })).rejects.toThrow(ConfigError);
    for (const heldOut of [-1, 10, 0.5])
      await expect(generateWorld({ ...held, heldOut, out: join(folder, "never") })).rejects.toThrow(
        "held-out clips",
      );
  });
  test("is whole, valid, and leaves no unfinished work behind", async () => {
    const path = join(folder, "whole");
    expect(await validateDataset(path, { clips: true })).toEqual([]);
    expect(readdirSync(path).sort()).toEqual([
      "card.md",
      "clips",
      "dataset.json",
      "rejected.jsonl",
      "samples-00000.jsonl",
      "truth.jsonl",
    ]);
    expect(readDescription(path).counts.clips).toBe(count);
    expect(readdirSync(join(path, "clips")).length).toBe(count);
    expect(readFileSync(join(path, "truth.jsonl"), "utf8").trim().split("\n").length).toBe(count);
  });

  test("is the same bytes after a kill of one worker and a second start with two", async () => {
    const path = join(folder, "killed");
    const args = ["world", "--count", String(count), "--seed", "s", "--out", path, "--workers", "1"];
    const child = spawn(process.execPath, [command, ...args], { stdio: "ignore" });
    const ended = new Promise((done) => child.once("exit", done));
    const chunk = join(path, ".world", "chunk-00000.json");
    while (!existsSync(chunk) && child.exitCode === null) await new Promise((tick) => setTimeout(tick, 10));
    child.kill("SIGKILL");
    await ended;
    expect(existsSync(join(path, "dataset.json"))).toBe(false);
    const { resumedClips } = await generateWorld({ count, seed: "s", profile, out: path, workers: 2 });
    expect(resumedClips).toBeGreaterThanOrEqual(64);
    expect(hashedFiles(path)).toEqual(hashedFiles(join(folder, "whole")));
  });

  test("stops on request, goes on later, and is the same bytes from one worker", async () => {
    const path = join(folder, "stopped");
    const stop = new AbortController();
    const progress = { log: () => {}, update: (done: number) => (done >= 70 ? stop.abort() : undefined) };
    const request = { count, seed: "s", profile, out: path, workers: 1 };
    await expect(generateWorld({ ...request, signal: stop.signal, progress })).rejects.toThrow(
      /same command goes on/,
    );
    const { resumedClips } = await generateWorld(request);
    expect(resumedClips).toBe(64);
    expect(hashedFiles(path)).toEqual(hashedFiles(join(folder, "whole")));
  });

  test("is left alone when it is there, and never overwritten by another", async () => {
    const path = join(folder, "whole");
    const before = hashedFiles(path);
    const again = await generateWorld({ count, seed: "s", profile, out: path });
    expect(again.resumedClips).toBe(count);
    for (const other of [
      { count, seed: "t", profile },
      { count: count + 1, seed: "s", profile },
      { count, seed: "s", profile: worldProfile("quickstart", 0.5) },
    ])
      await expect(generateWorld({ ...other, out: path })).rejects.toThrow(/another world/);
    expect(hashedFiles(path)).toEqual(before);
    const stranger = mkdtempSync(join(folder, "stranger-"));
    writeFileSync(join(stranger, "letter.txt"), "mine");
    await expect(generateWorld({ count: 1, seed: "s", profile, out: stranger })).rejects.toThrow(/not empty/);
    await expect(
      generateWorld({ count: 1, seed: "s", profile, out: join(stranger, "letter.txt") }),
    ).rejects.toThrow(/cannot write there.*a folder, or nothing yet/);
    await expect(generateWorld({ count: 0, seed: "s", profile, out: path })).rejects.toThrow(ConfigError);
  });

  test("decodes to what was rendered, at the times that the samples say", async () => {
    await using video = openVideoService({ workers: 1 });
    const path = join(folder, "whole");
    const seen = new Set<string>();
    for await (const sample of readSamples(path)) {
      if (seen.size >= 8 || seen.has(sample.clip.file)) continue;
      seen.add(sample.clip.file);
      const plan = planClip("s", sample.provenance["index"] as number, profile);
      const rendered = renderClip(plan);
      const size = plan.width * plan.height * 3;
      let frames = 0;
      for await (const chunk of video.frames(join(path, sample.clip.file), { select: { kind: "all" } }))
        for (const [i, frame] of chunk.frames.entries()) {
          frames++;
          const truth = sample.clip.timeline[frame.index]!;
          expect(Math.abs(frame.timeSeconds - truth.timeSeconds)).toBeLessThan(1e-6);
          let sum = 0;
          for (let at = 0; at < size; at++)
            sum += Math.abs(chunk.pixels[i * size + at]! - rendered[frame.index * size + at]!);
          // Half of the colour resolution is lost at the actors' rims.
          expect(sum / size).toBeLessThan(8);
        }
      expect(frames).toBe(plan.frameCount);
    }
    expect(seen.size).toBe(8);
  });

  test("damage is found and named", async () => {
    const path = join(folder, "stopped");
    const clip = readdirSync(join(path, "clips"))[0]!;
    rmSync(join(path, "clips", clip));
    const samples = join(path, "samples-00000.jsonl");
    const faults = await validateDataset(path);
    expect(faults).toEqual([{ where: `clips/${clip}`, what: "is missing" }]);
    appendFileSync(samples, '{"id": "cut');
    await expect(validateDataset(path)).rejects.toThrow(/samples-00000.jsonl:\d+/);
  });

  test("a wrong argument of the command is one line and status 2", async () => {
    const run = async (...args: string[]): Promise<{ code: number | null; error: string }> => {
      const child = spawn(process.execPath, [command, "world", ...args], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      let error = "";
      child.stderr.on("data", (piece: Buffer) => {
        error += piece.toString();
      });
      const code = await new Promise<number | null>((done) => child.once("exit", done));
      return { code, error };
    };
    const out = join(folder, "never");
    for (const [args, words] of [
      [["--count", "none", "--out", out], /bad --count/],
      [["--count", "3", "--out", out, "--difficulty", "2"], /bad --difficulty/],
      [["--count", "3", "--out", out, "--profile", "quikstart"], /did you mean "quickstart"/],
      [["--count", "3"], /--out/],
    ] as const) {
      const { code, error } = await run(...args);
      expect(code).toBe(2);
      expect(error).toMatch(words);
      expect(error.trim().split("\n").length).toBe(1);
    }
    expect(existsSync(out)).toBe(false);
  });
});
