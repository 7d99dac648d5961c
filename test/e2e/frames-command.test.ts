import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { openVideoService } from "../../src/video/service.ts";
import type { RawFrames } from "../../src/video/types.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const [width, height, length] = [320, 240, 900];
let folder: string;
let clip: string;
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  VIDEOPERCEIVER_CACHE: join(folder, "cache"),
});
const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [program, ...args], { encoding: "utf8", env: environment() });

function* pictures(): Generator<RawFrames> {
  for (let index = 0; index < length; index++) {
    const pixels = new Uint8Array(width * height * 3);
    for (let at = 0; at < pixels.length; at++) pixels[at] = (at * 7 + index * 3) & 255;
    yield { pixels, width, height, frames: [{ index: frameIndex(index), timeSeconds: seconds(index / 30) }] };
  }
}

/** Names of all files below a folder. */
const below = (path: string): string[] =>
  existsSync(path) ? readdirSync(path, { recursive: true }).map(String).sort() : [];

/** Runs a command and presses Ctrl-C when `ready` says so of what it has told so far. */
const interrupted = async (
  args: string[],
  ready: (stderr: string) => boolean,
): Promise<{ status: number; stderr: string }> => {
  const child = spawn(process.execPath, [program, ...args], {
    env: environment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (piece) => {
    stderr += piece;
  });
  const exit = once(child, "exit");
  while (!ready(stderr) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill("SIGINT");
  const [status] = await exit;
  return { status: status as number, stderr };
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "frames-e2e-"));
  clip = join(folder, "clip.mp4");
  await using video = openVideoService({ workers: 1 });
  await video.write(clip, { width, height, frames: pictures(), encode: { preset: "ultrafast", crf: 30 } });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("frames", () => {
  it("gives the same answer with a cold cache, a warm one, a damaged one and none", () => {
    const args = ["frames", clip, "--fps", "2", "--size", "160x120", "--json"];
    const cold = run(...args);
    expect(cold.status).toBe(0);
    expect(run(...args).stdout).toBe(cold.stdout);
    const kept = below(join(folder, "cache")).filter((name) => name.endsWith(".frames"));
    expect(kept).toHaveLength(1);
    const entry = join(folder, "cache", kept[0]!);
    const bytes = readFileSync(entry);
    bytes[1000] = bytes[1000]! ^ 1;
    writeFileSync(entry, bytes);
    const damaged = run(...args);
    expect(damaged.stdout).toBe(cold.stdout);
    expect(damaged.stderr).toMatch(/^warning: cache: pixels of an entry are damaged; decoding .* anew$/m);
    const without = run(...args, "--no-cache");
    expect(without.stdout).toBe(cold.stdout);
    expect(run(...args, "--cache-size", "much").status).toBe(2);
  });
  it("keeps nothing beyond --cache-size", () => {
    const small = ["--cache-size", "200KB", "--json"];
    for (const count of ["1", "2", "3"]) run("frames", clip, "--count", count, "--size", "64x48", ...small);
    const bytes = below(join(folder, "cache"))
      .map((name) => statSync(join(folder, "cache", name)))
      .filter((stat) => stat.isFile())
      .reduce((sum, { size }) => sum + size, 0);
    expect(bytes).toBeLessThanOrEqual(200_000);
  });
  it("Ctrl-C leaves whole pictures only, says how to go on, and goes on to the same result", async () => {
    const out = join(folder, "pictures");
    const args = ["frames", clip, "--all", "--out", out];
    const stopped = await interrupted(args, () => below(out).length > 30);
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toContain("go on with: videoperceiver frames");
    expect(stopped.stderr).toContain("--resume");
    const left = below(out);
    expect(left).toContain("frames.partial.jsonl");
    expect(left).not.toContain("frames.json");
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(below(join(folder, "cache")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    const other = run("frames", clip, "--all", "--size", "32x24", "--out", out, "--resume");
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining("another request")]);
    expect(run(...args, "--resume").status).toBe(0);
    const whole = join(folder, "whole");
    expect(run("frames", clip, "--all", "--out", whole).status).toBe(0);
    expect(below(out)).toEqual(below(whole));
    expect(readFileSync(join(out, "frames.json"), "utf8")).toBe(
      readFileSync(join(whole, "frames.json"), "utf8"),
    );
    expect(below(out)).toHaveLength(length + 1);
  });
  it("--resume without --out is an error", () => {
    expect(run("frames", clip, "--all", "--resume").status).toBe(2);
  });
});

describe("keyframes and absent", () => {
  it("Ctrl-C leaves nothing", async () => {
    const page = join(folder, "page.html");
    const pair = join(folder, "pair");
    const caption = ["--caption", "bars drift", "--fps", "all", "--no-cache"];
    for (const args of [
      ["keyframes", clip, ...caption, "--html", page],
      ["absent", clip, ...caption, "--out", pair],
    ]) {
      const before = below(folder);
      const stopped = await interrupted(args, (stderr) => stderr.includes(`/${length} frames`));
      expect([args[0], stopped.status, stopped.stderr]).toEqual([
        args[0],
        130,
        expect.stringMatching(/stopped/),
      ]);
      expect(below(folder)).toEqual(before);
    }
  });
});
