/**
 * What can be had of FineVidBench's speed task without looking at motion: a classifier of four speeds on each nuisance,
 * cross-validated by clip, against 25 per cent. The last line is the control: motion itself, which must tell.
 *
 *     node scripts/speed-nuisance.ts BENCHMARK
 *
 * BENCHMARK: a folder that `videoperceiver finevidbench` made. Prints a table in Markdown.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { readJsonRows, sha256 } from "../src/core/files.ts";
import { seededRandom } from "../src/core/random.ts";
import type { FineVidBenchRow } from "../src/evaluation/finevidbench-layout.ts";
import { pixelsOf } from "../src/frames/frame-batch.ts";
import { readFrames } from "../src/frames/read-frames.ts";
import { openVideoService, type VideoService } from "../src/video/service.ts";

const speeds = ["slow", "normal", "fast", "still"];
const folder = process.argv[2] ?? "";

interface Facts {
  readonly clip: string;
  readonly label: number;
  readonly nuisances: Readonly<Record<string, readonly number[]>>;
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

/** Mean absolute difference of neighbours in a row, and mean brightness. */
const lookOf = (
  pixels: Uint8Array,
  width: number,
): { readonly sharpness: number; readonly brightness: number } => {
  let [steps, sum] = [0, 0];
  for (let at = 4; at < pixels.length; at += 3) {
    sum += pixels[at]!;
    if (((at - 1) / 3) % width !== 0) steps += Math.abs(pixels[at]! - pixels[at - 3]!);
  }
  return { sharpness: (3 * steps) / pixels.length, brightness: (3 * sum) / pixels.length };
};

const difference = (a: Uint8Array, b: Uint8Array): number => {
  let sum = 0;
  for (let at = 1; at < a.length; at += 3) sum += Math.abs(a[at]! - b[at]!);
  return (3 * sum) / a.length;
};

const factsOf = async (row: FineVidBenchRow, video: VideoService): Promise<Facts> => {
  const file = join(folder, row.video);
  const { durationSeconds, timeline } = await video.probe(file);
  const batch = await readFrames(video, file, { select: { kind: "all" } });
  const pictures = batch.frames.map((_, at) => pixelsOf(batch, at));
  const looks = pictures.map((pixels) => lookOf(pixels, batch.width));
  const sharp = looks.map(({ sharpness }) => sharpness);
  const steps = pictures.slice(1).map((pixels, at) => difference(pixels, pictures[at]!));
  return {
    clip: row.source!.sha256,
    label: speeds.indexOf(row.speed!),
    nuisances: {
      "length in time": [durationSeconds],
      "number of pictures": [timeline.length],
      "length of the file": [Math.log(statSync(file).size)],
      "equal pictures": [new Set(pictures.map((pixels) => sha256(pixels))).size / pictures.length],
      // Every second picture of a slow film would be one in between.
      "sharpness of every second picture": [
        mean(sharp.filter((_, at) => at % 2 === 0)) / mean(sharp.filter((_, at) => at % 2 === 1)) - 1,
      ],
      sharpness: [mean(sharp)],
      brightness: [mean(looks.map(({ brightness }) => brightness))],
      "**motion (control)**": [Math.log(mean(steps) + 0.1)],
    },
  };
};

/** A softmax regression by gradient descent on standardised features, and their squares. */
const fitted = (rows: readonly Facts[], of: (one: Facts) => readonly number[]): ((one: Facts) => number) => {
  const width = of(rows[0]!).length;
  const centre = Array.from({ length: width }, (_, k) => mean(rows.map((one) => of(one)[k]!)));
  const spread = centre.map((c, k) => Math.sqrt(mean(rows.map((one) => (of(one)[k]! - c) ** 2))) || 1);
  const features = (one: Facts): number[] => {
    const z = of(one).map((value, k) => (value - centre[k]!) / spread[k]!);
    return [1, ...z, ...z.map((value) => value * value - 1)];
  };
  const inputs = rows.map(features);
  const weights = speeds.map(() => new Float64Array(1 + 2 * width));
  const shares = (x: readonly number[]): number[] => {
    const scores = weights.map((w) => x.reduce((sum, value, k) => sum + value * w[k]!, 0));
    const most = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - most));
    const total = powers.reduce((sum, one) => sum + one, 0);
    return powers.map((one) => one / total);
  };
  for (let round = 0; round < 400; round++)
    inputs.forEach((x, at) => {
      shares(x).forEach((share, label) => {
        const error = (rows[at]!.label === label ? 1 : 0) - share;
        for (let k = 0; k < x.length; k++) weights[label]![k]! += (0.5 * error * x[k]!) / rows.length;
      });
    });
  return (one) => {
    const found = shares(features(one));
    return found.indexOf(Math.max(...found));
  };
};

/** Share that is told right, five folds of whole clips. */
const told = (rows: readonly Facts[], name: string): number => {
  const clips = seededRandom("folds").shuffled([...new Set(rows.map(({ clip }) => clip))]);
  const foldOf = new Map(clips.map((clip, at) => [clip, at % 5]));
  const of = (one: Facts): readonly number[] => one.nuisances[name]!;
  let right = 0;
  for (let fold = 0; fold < 5; fold++) {
    const held = rows.filter(({ clip }) => foldOf.get(clip) === fold);
    const guess = fitted(
      rows.filter(({ clip }) => foldOf.get(clip) !== fold),
      of,
    );
    right += held.filter((one) => guess(one) === one.label).length;
  }
  return right / rows.length;
};

const rows: Facts[] = [];
await using video = openVideoService({ workers: 1 });
for await (const { value } of readJsonRows(join(folder, "finevidbench.jsonl"))) {
  const row = value as FineVidBenchRow;
  if (row.task === "speed") rows.push(await factsOf(row, video));
}
console.log(`| nuisance | told right, points above 25 (${rows.length} films) |\n|---|---|`);
for (const name of Object.keys(rows[0]!.nuisances)) {
  const points = 100 * told(rows, name) - 25;
  console.log(`| ${name} | ${points >= 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} |`);
}
