/**
 * How well relevance curves and key-frame rules find the decisive spans of real clips; prints the tables of
 * docs/relevance.md. Needs the shared clips.
 * Run: node scripts/relevance-study.ts [--clips DIR] [--fps 8] [--write FILE] [--relevance NAME:ARG ...]
 * Each `--relevance` adds the rows of one more provider, e.g. clip:FOLDER, blip2:http://127.0.0.1:8765 or
 * checkpoint:FOLDER, with keywords that the offline extractor finds in the clips' captions; a clip that the provider
 * cannot score (no keyword, a word it does not know) is named and left out. `--only` leaves the other rows out.
 *
 * Intervals: 95 %, 4,000 bootstrap draws of scenes.
 */
import { parseArgs } from "node:util";
import { keywordExtractors } from "../src/absent/keywords.ts";
import { ConfigError } from "../src/core/errors.ts";
import { writeFileAtomic } from "../src/core/files.ts";
import type { FrameBatch } from "../src/frames/frame-batch.ts";
import { openScorer } from "../src/jobs/open-scorer.ts";
import { type MotionParams, motionScores } from "../src/selection/motion/motion-curve.ts";
import { keyFramesOf, type PeakOptions } from "../src/selection/peaks.ts";
import { chooseRelevance } from "../src/selection/relevance-choice.ts";
import { openVideoService } from "../src/video/service.ts";
import { areaUnderCurve, interval } from "./curve-statistics.ts";
import { type DecisiveClip, decisiveClips, framesOf, wholeClip } from "./decisive-clips.ts";

type Clip = DecisiveClip & { readonly frames: FrameBatch };

const { values } = parseArgs({
  options: {
    clips: { type: "string", default: `${process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared"}/data/clips` },
    fps: { type: "string", default: "8" },
    write: { type: "string" },
    relevance: { type: "string", multiple: true, default: [] },
    only: { type: "boolean", default: false },
  },
});
const fps = Number(values.fps);
await using video = openVideoService();

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

/** Scores of every clip by a provider that the command line could name too; without keywords a clip has none. */
const scoredBy = async (choice: string, clips: readonly Clip[]): Promise<Map<Clip, Float64Array>> => {
  const { definition, made } = await chooseRelevance(choice);
  const extractor = await keywordExtractors.make("offline");
  const scores = new Map<Clip, Float64Array>();
  for (const clip of clips) {
    const found = await extractor.value.extract(clip.caption);
    const keywords = found.status === "ok" ? found.keywords : [];
    if (definition.usesText && keywords.length === 0) continue;
    const request = {
      frames: framesOf(video, clip, definition.inputPixels, definition.resizer),
      timeline: clip.sampled,
      keywords,
      caption: clip.caption,
      context: { openScorer, spans: clip.spans },
    };
    try {
      scores.set(clip, await made.value.score(request));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      console.error(`${choice} leaves out ${clip.scene}: ${error.message}`);
    }
  }
  await made.value.close?.();
  return scores;
};

const clips: Clip[] = [];
for (const clip of await decisiveClips(video, values.clips, fps))
  clips.push({ ...clip, frames: await wholeClip(framesOf(video, clip, 192, "zscale")) });
const lines: string[] = [];
const say = (line: string): void => {
  lines.push(line);
  console.log(line);
};
const halves = ["tuning", "held-out"] as const;
const cells = (value: (clip: Clip) => number | undefined): string =>
  halves
    .map((half) =>
      interval(
        clips.filter((clip) => clip.half === half).map((clip) => ({ scene: clip.scene, value: value(clip) })),
      ),
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
/** Key frames among all frames; undefined where there is no curve. */
const share = (keys: readonly number[] | undefined, clip: Clip): number | undefined =>
  keys && keys.length / clip.inside.length;
const known = new Map<string, ReadonlyMap<Clip, ArrayLike<number>>>();
const report = (name: string, scores: ReadonlyMap<Clip, ArrayLike<number>>): void => {
  known.set(name, scores);
  const all = cells((clip) => {
    const curve = scores.get(clip);
    return curve && areaUnderCurve(curve, clip.inside);
  });
  const away = cells((clip) => {
    const curve = scores.get(clip);
    return curve && interior(clip, curve);
  });
  say(`| ${name} | ${all} | ${away} |`);
};
if (!values.only)
  for (const [name, curve] of curves) report(name, new Map(clips.map((clip) => [clip, curve(clip)])));
const named = [...(values.only ? [] : ["events"]), ...values.relevance];
const nameOf = (choice: string): string => choice.split(/[:=]/)[0]!;
for (const choice of named)
  report(
    `${nameOf(choice)}${choice === "events" ? " (control: the spans themselves)" : ""}`,
    await scoredBy(choice, clips),
  );
const withRules = [
  ...(values.only ? [] : ["motion (default)", "control: mean difference to the frame before"]),
  ...values.relevance.map(nameOf),
];
for (const name of withRules) {
  const scores = known.get(name)!;
  say(`\nKey frames from: ${name}\n`);
  say(
    "| rule | hit rate - span share, tuning | hit rate - span share, held out | key share, tuning | key share, held out |\n|---|---|---|---|---|",
  );
  for (const [rule, options] of rules) {
    const keys = new Map([...scores].map(([clip, curve]) => [clip, keyFramesOf(curve, options)]));
    const gain = (clip: Clip): number | undefined => {
      const found = keys.get(clip) ?? [];
      const spanShare = clip.inside.filter(Boolean).length / clip.inside.length;
      return found.length === 0
        ? undefined
        : found.filter((at) => clip.inside[at]).length / found.length - spanShare;
    };
    say(`| ${rule} | ${cells(gain)} | ${cells((clip) => share(keys.get(clip), clip))} |`);
  }
}
if (values.write !== undefined) writeFileAtomic(values.write, `${lines.join("\n")}\n`);
