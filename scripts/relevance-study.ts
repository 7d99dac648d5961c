/**
 * How well relevance curves and key-frame rules find the decisive spans of real clips; prints the tables of
 * docs/relevance.md. Needs the shared clips.
 * Run: node scripts/relevance-study.ts [--clips DIR] [--fps 8] [--write docs/relevance.tables.md]
 *
 * Spans: the finest ones (a span that holds another one is left out). Halves: scenes in the order of the SHA-256 of
 * their names, alternately tuning and held out; encodings of one shot are one scene. Intervals: 95 %, 4,000 bootstrap
 * draws of scenes.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readJsonFile, writeFileAtomic } from "../src/core/files.ts";
import { seededRandom } from "../src/core/random.ts";
import type { FrameBatch } from "../src/frames/frame-batch.ts";
import { type MotionParams, motionScores } from "../src/selection/motion/motion-curve.ts";
import { keyFramesOf, type PeakOptions } from "../src/selection/peaks.ts";
import { openVideoService } from "../src/video/service.ts";
import { indicesForFps } from "../src/video/timeline.ts";

interface Clip {
  readonly scene: string;
  readonly half: "tuning" | "held-out";
  readonly frames: FrameBatch;
  readonly inside: readonly boolean[];
  readonly durationSeconds: number;
}

const { values } = parseArgs({
  options: {
    clips: { type: "string", default: `${process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared"}/data/clips` },
    fps: { type: "string", default: "8" },
    write: { type: "string" },
  },
});
const fps = Number(values.fps);

const sceneOf = (file: string): string => file.replace(/\.[^.]+$/, "").replace(/^lego_.*/, "lego");
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

interface Listed {
  readonly file: string;
  readonly events: readonly { readonly start: number; readonly end: number }[];
}

const finest = (events: Listed["events"]): Listed["events"] =>
  events.filter(
    (a) =>
      !events.some(
        (b) => b !== a && b.start >= a.start && b.end <= a.end && b.end - b.start < a.end - a.start,
      ),
  );

const loadClips = async (): Promise<Clip[]> => {
  const listed = (readJsonFile(join(values.clips, "clips.json")) as Listed[]).filter(
    ({ events }) => events.length > 0,
  );
  const scenes = [...new Set(listed.map(({ file }) => sceneOf(file)))].sort((a, b) =>
    digest(a) < digest(b) ? -1 : 1,
  );
  await using video = openVideoService();
  const clips: Clip[] = [];
  for (const { file, events } of listed) {
    try {
      const path = join(values.clips, file);
      const info = await video.probe(path);
      const scale = Math.min(1, 192 / Math.max(info.width, info.height));
      const size = { width: Math.round(info.width * scale), height: Math.round(info.height * scale) };
      const parts: FrameBatch[] = [];
      const indices = indicesForFps(info.timeline, fps);
      const select = { kind: "indices", indices } as const;
      for await (const part of video.frames(path, { select, size, resizer: "zscale" })) parts.push(part);
      const frames: FrameBatch = {
        ...size,
        frames: parts.flatMap((part) => part.frames),
        pixels: Buffer.concat(parts.map((part) => part.pixels)),
      };
      const spans = finest(events);
      clips.push({
        scene: sceneOf(file),
        half: scenes.indexOf(sceneOf(file)) % 2 === 0 ? "tuning" : "held-out",
        frames,
        inside: frames.frames.map(({ timeSeconds: t }) =>
          spans.some(({ start, end }) => t >= start && t < end),
        ),
        durationSeconds: info.durationSeconds,
      });
    } catch (error) {
      console.error(`left out ${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return clips;
};

/** Probability that a frame inside scores above one outside, ties half; undefined without both kinds. */
const areaUnderCurve = (scores: ArrayLike<number>, inside: readonly boolean[]): number | undefined => {
  let right = 0;
  let pairs = 0;
  for (let i = 0; i < inside.length; i++)
    if (inside[i])
      for (let j = 0; j < inside.length; j++)
        if (!inside[j]) {
          pairs++;
          right += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
        }
  return pairs === 0 ? undefined : right / pairs;
};

/** Mean over clips with the interval over scenes. */
const interval = (
  rows: readonly { scene: string; value: number | undefined }[],
): { text: string; mean: number } => {
  const known = rows.filter((row): row is { scene: string; value: number } => row.value !== undefined);
  const scenes = [...new Set(known.map(({ scene }) => scene))];
  const grouped = scenes.map((scene) => known.filter((row) => row.scene === scene).map(({ value }) => value));
  const meanOf = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const random = seededRandom("relevance study");
  const draws = Array.from({ length: 4000 }, () => meanOf(grouped.flatMap(() => random.pick(grouped)))).sort(
    (a, b) => a - b,
  );
  const mean = meanOf(known.map(({ value }) => value));
  return {
    mean,
    text: `${mean.toFixed(3)} [${draws[100]!.toFixed(3)}, ${draws[3899]!.toFixed(3)}] (${known.length})`,
  };
};

type Curve = (clip: Clip) => ArrayLike<number>;
const motion =
  (params: Partial<MotionParams>): Curve =>
  (clip) =>
    motionScores(clip.frames, params);
const meanDifference: Curve = ({ frames }) => {
  const size = frames.width * frames.height * 3;
  return frames.frames.map((_, at) => {
    const [now, before] = at > 0 ? [at, at - 1] : [Math.min(1, frames.frames.length - 1), 0];
    let sum = 0;
    for (let i = 0; i < size; i++)
      sum += Math.abs(frames.pixels[now * size + i]! - frames.pixels[before * size + i]!);
    return sum / size;
  });
};
const curves: [string, Curve][] = [
  [
    "control: time to the nearer end of the clip (looks at nothing)",
    ({ frames }) => frames.frames.map((_, at) => Math.min(at, frames.frames.length - 1 - at)),
  ],
  ["control: mean difference to the frame before", meanDifference],
  ["motion (default)", motion({})],
  ["motion, border: open", motion({ border: "open" })],
  ["motion, cameraReachShare: 0", motion({ cameraReachShare: 0 })],
  ["motion, strongestShare: 0.0625", motion({ strongestShare: 0.0625 })],
  ["motion, strongestShare: 1", motion({ strongestShare: 1 })],
  ["motion, removeFlicker: false", motion({ removeFlicker: false })],
  ["motion, colourWeight: 0", motion({ colourWeight: 0 })],
  ["motion, reachSeconds: 0.25", motion({ reachSeconds: 0.25 })],
  ["motion, reachSeconds: 0.5", motion({ reachSeconds: 0.5 })],
  ["motion, reachSeconds: 1.5", motion({ reachSeconds: 1.5 })],
  ["motion, smoothingSeconds: 0", motion({ smoothingSeconds: 0 })],
  ["motion, smoothingSeconds: 0.5", motion({ smoothingSeconds: 0.5 })],
];
const rules: [string, PeakOptions][] = [
  ["strict local maxima (paper)", {}],
  ["smoothingFrames: 3", { smoothingFrames: 3 }],
  ["prominenceShare: 0.05", { prominenceShare: 0.05 }],
  ["prominenceShare: 0.1", { prominenceShare: 0.1 }],
  ["prominenceShare: 0.2", { prominenceShare: 0.2 }],
  ["prominenceShare: 0.4", { prominenceShare: 0.4 }],
  ["floor: 0", { floor: 0 }],
  ["floor: 1", { floor: 1 }],
  ["prominenceShare: 0.1, floor: 0", { prominenceShare: 0.1, floor: 0 }],
  ["prominenceShare: 0.1, floor: 1", { prominenceShare: 0.1, floor: 1 }],
  ["topShare: 0.05", { topShare: 0.05 }],
  ["topShare: 0.025", { topShare: 0.025 }],
];

const clips = await loadClips();
const lines: string[] = [];
const say = (line: string): void => {
  lines.push(line);
  console.log(line);
};
const halves = ["tuning", "held-out"] as const;
const cells = (value: (clip: Clip) => number | undefined): string =>
  halves
    .map(
      (half) =>
        interval(
          clips
            .filter((clip) => clip.half === half)
            .map((clip) => ({ scene: clip.scene, value: value(clip) })),
        ).text,
    )
    .join(" | ");
/** Frames at least a second from both ends, where the border rule of `motion` plays no part. */
const interior = (clip: Clip, scores: ArrayLike<number>): number | undefined => {
  const kept = clip.frames.frames.flatMap(({ timeSeconds }, at) =>
    timeSeconds >= 1 && timeSeconds <= clip.durationSeconds - 1 ? [at] : [],
  );
  return kept.length < fps
    ? undefined
    : areaUnderCurve(
        kept.map((at) => scores[at]!),
        kept.map((at) => clip.inside[at]!),
      );
};

say(`Clips: ${clips.length}, ${fps} fps, longest side 192.\n`);
say(
  "| curve | AUC, tuning half | AUC, held-out half | AUC away from the ends, tuning | away from the ends, held out |\n|---|---|---|---|---|",
);
const known = new Map<string, Map<Clip, ArrayLike<number>>>();
for (const [name, curve] of curves) {
  const scores = new Map(clips.map((clip) => [clip, curve(clip)]));
  known.set(name, scores);
  say(
    `| ${name} | ${cells((clip) => areaUnderCurve(scores.get(clip)!, clip.inside))} | ${cells((clip) => interior(clip, scores.get(clip)!))} |`,
  );
}
for (const name of ["motion (default)", "control: mean difference to the frame before"]) {
  const scores = known.get(name)!;
  say(`\nKey frames from: ${name}\n`);
  say(
    "| rule | hit rate - span share, tuning | hit rate - span share, held out | key share, tuning | key share, held out |\n|---|---|---|---|---|",
  );
  for (const [rule, options] of rules) {
    const keys = new Map(clips.map((clip) => [clip, keyFramesOf(scores.get(clip)!, options)]));
    const gain = (clip: Clip): number | undefined => {
      const found = keys.get(clip)!;
      const share = clip.inside.filter(Boolean).length / clip.inside.length;
      return found.length === 0
        ? undefined
        : found.filter((at) => clip.inside[at]).length / found.length - share;
    };
    say(`| ${rule} | ${cells(gain)} | ${cells((clip) => keys.get(clip)!.length / clip.inside.length)} |`);
  }
}
if (values.write !== undefined) writeFileAtomic(values.write, `${lines.join("\n")}\n`);
