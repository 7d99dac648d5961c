/**
 * Memory of `frames` and `keyframes` on hours of video: loops a clip with ffmpeg, runs each command without a cache and
 * prints time and largest resident memory of all its processes (Linux).
 * Run: node scripts/long-clip-memory.ts CLIP [--seconds 7200]
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { treeBytes } from "../bench/process-memory.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "7200" } },
});
const [clip] = positionals;
if (clip === undefined) throw new Error("name a clip");
const folder = mkdtempSync(join(tmpdir(), "long-clip-"));
const program = join(import.meta.dirname, "..", "bin", "videoperceiver.mjs");

/** Runs a command to its end. @returns seconds and the largest memory in bytes, looked at five times a second */
const measured = async (args: readonly string[]): Promise<{ seconds: number; bytes: number }> => {
  const start = performance.now();
  const child = spawn(process.execPath, [program, ...args, "--no-cache", "--json"], { stdio: "ignore" });
  let bytes = 0;
  const watch = setInterval(() => {
    bytes = Math.max(bytes, treeBytes(child.pid!));
  }, 200);
  const code = await new Promise((done) => child.once("exit", done));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
  return { seconds: (performance.now() - start) / 1000, bytes };
};

try {
  const long = join(folder, "long.mp4");
  const looped = ["-v", "error", "-stream_loop", "-1", "-i", clip, "-map", "0:v:0", "-c", "copy"];
  execFileSync("ffmpeg", [...looped, "-t", values.seconds, long]);
  for (const args of [
    ["frames", long, "--fps", "1"],
    ["keyframes", long, "--fps", "1", "--caption", "a man moves"],
  ]) {
    const { seconds, bytes } = await measured(args);
    console.log(`${args[0]} --fps 1: ${seconds.toFixed(0)} s, ${(bytes / 1e6).toFixed(0)} MB`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
