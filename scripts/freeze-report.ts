/**
 * How well a detector that only counts duplicate frames tells a twin from its complete clip, without and with the
 * freeze control; prints the table of docs/absent.md. Needs the shared clips.
 * Run: node scripts/freeze-report.ts [--clips DIR]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { absentBuilders, usualBuilder } from "../src/absent/builders.ts";
import { decideReplacements } from "../src/absent/decision.ts";
import { freezeControl } from "../src/absent/freeze.ts";
import { spreadReplacements } from "../src/absent/spread.ts";
import { absentBatch } from "../src/absent/twin-frames.ts";
import { twinViewOf } from "../src/absent/twin-view.ts";
import { messageOf } from "../src/core/errors.ts";
import { readJsonFile } from "../src/core/files.ts";
import { seededRandom } from "../src/core/random.ts";
import type { FrameBatch } from "../src/frames/frame-batch.ts";
import { motionScores } from "../src/selection/motion/motion-curve.ts";
import { openVideoService } from "../src/video/service.ts";
import { indicesForFps } from "../src/video/timeline.ts";
import { duplicateCount, duplicateDetectorAccuracy } from "./duplicate-detector.ts";

const { values } = parseArgs({
  options: {
    clips: { type: "string", default: `${process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared"}/data/clips` },
  },
});
const listed = readJsonFile(join(values.clips, "clips.json")) as { file: string; events: unknown[] }[];
const tolerances = [0, 0.5];
const rows = new Map<string, { complete: number[]; absent: number[] }>();
const note = (key: string, complete: number, absent: number): void => {
  const row = rows.get(key) ?? { complete: [], absent: [] };
  row.complete.push(complete);
  row.absent.push(absent);
  rows.set(key, row);
};

await using video = openVideoService();
for (const { file, events } of listed) {
  if (events.length === 0) continue;
  try {
    const path = join(values.clips, file);
    const info = await video.probe(path);
    const indices = indicesForFps(info.timeline, 8);
    const parts: FrameBatch[] = [];
    const size = { width: 128, height: 96 };
    for await (const part of video.frames(path, { select: { kind: "indices", indices }, size }))
      parts.push(part);
    const clip: FrameBatch = {
      ...size,
      frames: parts.flatMap((part) => part.frames),
      pixels: Buffer.concat(parts.map((part) => part.pixels)),
    };
    const sampled = clip.frames;
    const scores = motionScores(clip);
    for (const name of ["previous-frame", "random", "span", usualBuilder]) {
      const builder = await absentBuilders.choose(name);
      const decided = decideReplacements(
        { sampled, peaks: { prominenceShare: 0.2 }, builder, seed: 0 },
        scores,
      );
      const twin = absentBatch(clip, twinViewOf(spreadReplacements(sampled, sampled, decided.replacements)));
      const random = seededRandom("freeze report", file, name);
      const control = freezeControl(sampled.length, decided.keyFrames, decided.replacements, random);
      const controlled = absentBatch(clip, twinViewOf(spreadReplacements(sampled, sampled, control)));
      for (const tolerance of tolerances) {
        const absent = duplicateCount(twin, tolerance);
        note(`${name} | ${tolerance} | as it is`, duplicateCount(clip, tolerance), absent);
        note(`${name} | ${tolerance} | freeze control`, duplicateCount(controlled, tolerance), absent);
      }
    }
  } catch (error) {
    console.error(`left out ${file}: ${messageOf(error)}`);
  }
}
console.log(
  "| builder | tolerance, levels | complete side | clips | detector's accuracy |\n|---|---|---|---|---|",
);
for (const [key, { complete, absent }] of rows)
  console.log(`| ${key} | ${complete.length} | ${duplicateDetectorAccuracy(complete, absent).toFixed(3)} |`);
