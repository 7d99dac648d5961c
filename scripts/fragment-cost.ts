/**
 * What `fragments` costs as a whole (Linux): processor time of every kind of thread of all its processes, and the memory that the
 * largest process and all of them together hold, as clips get done. Twenty looks a second.
 *
 *     node scripts/fragment-cost.ts CLIPS OUT [--workers N] [--per-clip N] [--pixels N] [--looks N]
 *
 * CLIPS: a folder; OUT: a new data set folder. What a thread computes between the last look and its end is missing. Put both on
 * `/dev/shm` where the disk shall not count. Prints milliseconds a clip, then memory at every `--looks` clips (default 50).
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { processTree, statusBytes } from "../bench/process-memory.ts";
import { ticksIn } from "../bench/process-time.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: "string", default: "2" },
    "per-clip": { type: "string", default: "3" },
    pixels: { type: "string", default: "336" },
    looks: { type: "string", default: "50" },
  },
});
const [clips, out] = positionals;
if (clips === undefined || out === undefined || existsSync(out))
  throw new Error("name a folder of clips, and a data set folder that is not there yet");

const program = new URL("../bin/videoperceiver.mjs", import.meta.url).pathname;
const chosen = [
  "--workers",
  values.workers,
  "--per-clip",
  values["per-clip"],
  "--pixels",
  values.pixels,
  "--seed",
  "11",
  "--no-cache",
];
const child = spawn(process.execPath, [program, "fragments", clips, "--out", out, ...chosen], {
  stdio: "ignore",
});
const started = performance.now();

/** Hundredths of a second of every thread that was seen, as it was last, and what it is called. */
const seen = new Map<string, { readonly name: string; readonly ticks: number }>();
const lookAtThreads = (pid: number): void => {
  const place = pid === child.pid ? "program" : "decoders";
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8");
    const [user, system] = ticksIn(stat);
    const own = task === String(pid) ? "main" : stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    seen.set(`${pid}/${task}`, { name: `${place}: ${own}`, ticks: user + system });
  }
};

const doneClips = (): number => {
  const results = join(out, ".build", "results");
  if (!existsSync(results)) return 0;
  return readdirSync(results, { recursive: true }).filter((name) => String(name).endsWith(".json")).length;
};
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
let [largest, together, told] = [0, 0, 0];
const memory: string[] = [];
const look = (): void => {
  const held = processTree(child.pid!).map((pid) => {
    try {
      lookAtThreads(pid);
    } catch {
      // It has ended between two looks.
    }
    return statusBytes(pid, "VmRSS");
  });
  const [most, all] = [Math.max(...held), held.reduce((sum, bytes) => sum + bytes, 0)];
  [largest, together] = [Math.max(largest, most), Math.max(together, all)];
  const done = doneClips();
  if (done < told + Number(values.looks)) return;
  told = done;
  memory.push(`${done} clips: largest process ${megabytes(most)}, all ${megabytes(all)}`);
};
const timer = setInterval(look, 50);
const status = await new Promise((done) => child.once("exit", done));
clearInterval(timer);
if (status !== 0) throw new Error(`fragments ended with ${status}`);

const made = doneClips();
const seconds = (performance.now() - started) / 1000;
const byName = Map.groupBy(seen.values(), ({ name }) => name);
const rows = [...byName].map(([name, threads]) => ({
  name,
  milliseconds: (10 * threads.reduce((sum, { ticks }) => sum + ticks, 0)) / made,
}));
const total = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
console.log(
  `${made} clips in ${seconds.toFixed(1)} s, ${total.toFixed(0)} ms of processor time a clip, ${((total * made) / 1000 / seconds).toFixed(2)} cores busy`,
);
for (const { name, milliseconds } of rows.sort((a, b) => b.milliseconds - a.milliseconds))
  if (milliseconds >= 0.1) console.log(`${milliseconds.toFixed(1).padStart(8)} ms  ${name}`);
for (const line of memory) console.log(line);
console.log(`at most: largest process ${megabytes(largest)}, all ${megabytes(together)}`);
