/**
 * How time and memory of a build grow with the number of clips: `build` of the first N clips of a world, for each N, by motion
 * and without kept scores; looks at the memory of all its processes ten times a second (Linux). Prints a table, with the
 * seconds that `plan` says beforehand by the rate of the build before.
 * Run: node scripts/build-growth.ts --world FOLDER --out DIR [--clips 200,2000] [--workers 2]
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { statusBytes, treeBytes } from "../bench/process-memory.ts";
import { makeFolder, sha256 } from "../src/core/files.ts";
import { resultsIn, setContents } from "../test/e2e/build/set-contents.ts";
import { writeWorldTable } from "./world-table.ts";

const { values } = parseArgs({
  options: {
    world: { type: "string" },
    out: { type: "string" },
    clips: { type: "string", default: "200,2000" },
    workers: { type: "string", default: "2" },
  },
});
if (values.world === undefined || values.out === undefined)
  throw new Error("name two folders: --world FOLDER --out DIR");
const [world, out] = [resolve(values.world), resolve(values.out)];
const counts = values.clips.split(",").map(Number);
const program = join(import.meta.dirname, "..", "bin", "videoperceiver.mjs");
makeFolder(out);

/** Largest memory of the whole tree and of the program alone, while clips are made and when all of them are. */
interface Peaks {
  making: number;
  together: number;
  program: number;
  /** When the last clip was made. */
  madeAt: number;
}

const watch = (child: ChildProcess, set: string, count: number): { readonly peaks: Peaks; stop(): void } => {
  const peaks: Peaks = { making: 0, together: 0, program: 0, madeAt: 0 };
  const timer = setInterval(() => {
    if (peaks.madeAt === 0 && resultsIn(set) >= count) peaks.madeAt = performance.now();
    const phase = peaks.madeAt > 0 ? "together" : "making";
    peaks[phase] = Math.max(peaks[phase], treeBytes(child.pid!));
    peaks.program = Math.max(peaks.program, statusBytes(child.pid!, "VmHWM"));
  }, 100);
  return { peaks, stop: () => clearInterval(timer) };
};

const env = { ...process.env, VIDEOPERCEIVER_CACHE: join(out, "cache") };

const plannedSeconds = (count: number, clipSeconds: number): string => {
  const args = ["plan", "build", "--clips", String(count), "--seconds", String(clipSeconds), "--json"];
  const printed = execFileSync(process.execPath, [program, ...args, "--workers", values.workers], { env });
  return (JSON.parse(printed.toString()) as { seconds: number }).seconds.toFixed(1);
};

const built = async (count: number): Promise<string> => {
  const table = join(out, `${count}.jsonl`);
  const planned = plannedSeconds(count, await writeWorldTable(world, count, table));
  const set = join(out, `set-${count}`);
  rmSync(set, { recursive: true, force: true });
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [program, "build", table, "--clips", world, "--out", set].concat([
      "--relevance",
      "motion",
      "--no-cache",
      "--workers",
      values.workers,
      "--json",
    ]),
    {
      stdio: ["ignore", "pipe", "inherit"],
      env,
    },
  );
  let printed = "";
  child.stdout!.on("data", (piece: Buffer) => {
    printed += piece.toString();
  });
  const { peaks, stop } = watch(child, set, count);
  const status = await new Promise((done) => child.once("close", done));
  stop();
  if (status !== 0) throw new Error(`build of ${count} clips ended with ${status}`);
  const end = performance.now();
  const { pairs, clipsPerMinute } = JSON.parse(printed) as { pairs: number; clipsPerMinute: number };
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  const seconds = (from: number, to: number): string => ((to - from) / 1000).toFixed(1);
  const print = sha256(JSON.stringify(setContents(set))).slice(0, 12);
  return `| ${[
    count,
    pairs,
    planned,
    seconds(start, end),
    seconds(peaks.madeAt, end),
    clipsPerMinute.toFixed(0),
    megabytes(peaks.making),
    megabytes(peaks.together),
    megabytes(peaks.program),
    print,
  ].join(" | ")} |`;
};

const lines = [
  "| clips | pairs | seconds planned | seconds | of them putting together | clips a minute | MB making | MB putting together | MB of the program alone | files |",
  "|---|---|---|---|---|---|---|---|---|---|",
];
for (const count of counts) lines.push(await built(count));
console.log(lines.join("\n"));
