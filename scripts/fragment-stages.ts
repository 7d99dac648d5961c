/**
 * Where the processor time of `fragments` goes, stage by stage and all in this process: what pipes between processes and
 * waiting for the disk cost is in none.
 *
 *     node scripts/fragment-stages.ts CLIP...
 *
 * The first two clips are made twice, the first time uncounted. Prints milliseconds a clip.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fittedWithin } from "../src/absent/pair-source.ts";
import { sha256OfFile } from "../src/core/files.ts";
import { MemoryPool } from "../src/core/memory-pool.ts";
import { seededRandom } from "../src/core/random.ts";
import { drawSample, picturesOfSample } from "../src/fragments/draw-samples.ts";
import { fragmentTasks } from "../src/fragments/fragment-task.ts";
import { usableParts } from "../src/fragments/parts.ts";
import { planWindows } from "../src/fragments/windows.ts";
import type { FrameBatch } from "../src/frames/frame-batch.ts";
import { batchOf } from "../src/jobs/fragments/decoded-clip.ts";
import { writeStills } from "../src/jobs/fragments/sample-media.ts";
import { frameSelectors } from "../src/selection/selectors.ts";
import { openClip } from "../src/video/backend/open-clip.ts";
import { describeClip } from "../src/video/clip-info.ts";
import { defaultLimits } from "../src/video/limits.ts";
import { nodeAvBackend } from "../src/video/node-av/backend.ts";
import { framesJob } from "../src/video/worker/frames-job.ts";

const [seed, perClip, pixels] = [11, 3, 336];
const looks = { windowSeconds: 8, framesPerWindow: 48, perClip };
/** Memory that is used again, as the command does it. */
const memory = new MemoryPool(32);
const spent = new Map<string, number>();
let last = process.cpuUsage();
/** What was computed since the last lap belongs to this stage. */
const lap = (stage: string): void => {
  const { user, system } = process.cpuUsage(last);
  spent.set(stage, (spent.get(stage) ?? 0) + (user + system) / 1000);
  last = process.cpuUsage();
};

const backend = await nodeAvBackend();
const identity = { name: "node-av", version: backend.version };
const tasks = await Promise.all(fragmentTasks.names().map((name) => fragmentTasks.choose(name)));
const { value: selector } = await frameSelectors.choose("motion_guided");
const alive = (): void => {};

/** Frames of the clip's windows, as the command decodes them. */
const decoded = async (file: string, random: ReturnType<typeof seededRandom>): Promise<FrameBatch[]> => {
  const clip = await openClip(backend, file, defaultLimits, alive);
  const info = describeClip(clip, identity);
  lap("reading the packets");
  await sha256OfFile(file);
  lap("hashing the clip");
  const windows = planWindows(info.timeline, info.durationSeconds, looks, random);
  const size = fittedWithin(info, pixels);
  const bytes = size.width * size.height * 3;
  const indices = [...new Set(windows.flat())].sort((a, b) => a - b);
  const known = new Map<number, Uint8Array>();
  const request = { select: { kind: "indices", indices }, size, resizer: "zscale" } as const;
  const emit: Parameters<typeof framesJob>[5] = async (chunk) => {
    for (const [at, index] of chunk.indices.entries())
      known.set(index, chunk.pixels.slice(at * bytes, (at + 1) * bytes));
    return true;
  };
  await framesJob(backend, clip, request, 1, defaultLimits, emit, alive);
  const batches = windows.map((window) =>
    batchOf(
      window.map((at) => info.timeline[at]!),
      known,
      size,
    ),
  );
  lap("decoding and making small");
  return batches;
};

let [questions, shown] = [0, 0];
const makeClip = async (file: string, position: number, out: string): Promise<void> => {
  lap("(this script)");
  const parts = usableParts(await decoded(file, seededRandom(seed, "windows", position)));
  lap("distances of frames");
  const told = new Set<number>();
  for (let sequence = 0; sequence < perClip && parts.length > 0; sequence++)
    for (const task of sequence % 2 === 0 ? tasks : tasks.toReversed()) {
      const part = parts[sequence % parts.length]!;
      const place = { seed, number: position * perClip + sequence, told };
      const drawn = drawSample(task, part, selector, place);
      lap("drawing");
      if ("ruleId" in drawn) continue;
      if (task.value.needs === "order")
        for (const at of drawn.fragment) told.add(part.batch.frames[at]!.index);
      const taken: Uint8Array[] = [];
      const take = (bytes: number): Uint8Array => {
        taken.push(memory.take(bytes));
        return taken.at(-1)!;
      };
      const pictures = picturesOfSample(task, drawn, part, place, take);
      lap(task.value.anew === true ? "rendering pictures anew" : "evening pictures");
      await writeStills(pictures, out, take);
      for (const piece of taken) memory.giveBack(piece);
      lap("pictures as JPEG files");
      questions++;
      shown += pictures.length;
    }
};

const clips = process.argv.slice(2);
const out = mkdtempSync(join(tmpdir(), "fragment-stages-"));
try {
  for (const [position, file] of clips.slice(0, 2).entries()) await makeClip(file, position, out);
  spent.clear();
  [questions, shown] = [0, 0];
  for (const [position, file] of clips.entries()) await makeClip(file, position, out);
} finally {
  rmSync(out, { recursive: true, force: true });
}
const all = [...spent.values()].reduce((sum, one) => sum + one, 0);
for (const [stage, milliseconds] of [...spent].sort(([, a], [, b]) => b - a)) {
  const share = `${((100 * milliseconds) / all).toFixed(0)} %`.padStart(5);
  console.log(`${(milliseconds / clips.length).toFixed(1).padStart(8)} ms ${share}  ${stage}`);
}
console.log(
  `a clip: ${(all / clips.length).toFixed(0)} ms, ${(questions / clips.length).toFixed(1)} questions, ${(shown / clips.length).toFixed(1)} pictures`,
);
