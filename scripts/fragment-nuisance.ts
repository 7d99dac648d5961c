/**
 * What can be had of fragment tasks without looking: a small classifier on each nuisance (features that are not
 * content), cross-validated by clip, against the share of the more frequent answer.
 *
 *     node scripts/fragment-nuisance.ts SET [SET ...]
 *
 * SET: a data set folder that `videoperceiver fragments` made, of either form. Prints a table in Markdown.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { sha256 } from "../src/core/files.ts";
import { readSamples } from "../src/dataset/read.ts";
import type { Sample } from "../src/dataset/sample.ts";
import { pixelsOf } from "../src/frames/frame-batch.ts";
import { readFrames } from "../src/frames/read-frames.ts";
import { openVideoService, type VideoService } from "../src/video/service.ts";

/** What a picture is, apart from its content. */
interface PictureFacts {
  readonly bytes: number;
  readonly hash: string;
  readonly brightness: number;
  /** Mean absolute difference of neighbours inside, and across, the grid of 8 x 8 blocks that encoders have. */
  readonly sharpness: number;
  readonly blockiness: number;
}

interface Row {
  readonly task: string;
  readonly cluster: string;
  readonly label: number;
  readonly template: number;
  readonly words: number;
  readonly pictures: readonly PictureFacts[];
}

const factsOf = (
  pixels: Uint8Array,
  width: number,
  height: number,
  bytes: number,
  hash: string,
): PictureFacts => {
  let [sum, inside, across, insides, acrosses] = [0, 0, 0, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 1; x < width; x++) {
      const at = (y * width + x) * 3 + 1;
      const step = Math.abs(pixels[at]! - pixels[at - 3]!);
      sum += pixels[at]!;
      if (x % 8 === 0) {
        across += step;
        acrosses++;
      } else {
        inside += step;
        insides++;
      }
    }
  const sharpness = inside / insides;
  return {
    bytes,
    hash,
    brightness: sum / (insides + acrosses),
    sharpness,
    blockiness: across / acrosses / (sharpness + 1e-6),
  };
};

const picturesOf = async (folder: string, sample: Sample, video: VideoService): Promise<PictureFacts[]> => {
  const last = sample.messages.at(-1)!.content;
  const images = last.flatMap((part) => (part.type === "image" ? [part.image] : []));
  if (images.length > 0)
    return Promise.all(
      images.map(async (image) => {
        const file = join(folder, image);
        const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
        return factsOf(data, info.width, info.height, statSync(file).size, sha256(readFileSync(file)));
      }),
    );
  const file = join(folder, sample.clip.file);
  const batch = await readFrames(video, file, { select: { kind: "all" } });
  const bytes = statSync(file).size / batch.frames.length;
  return batch.frames.map((_, at) => {
    const pixels = pixelsOf(batch, at);
    return factsOf(pixels, batch.width, batch.height, bytes, sha256(pixels));
  });
};

/** The answer as two classes that are told apart; undefined: the row is in neither. */
const labelOf = ({ skill, answer }: Sample): number => {
  if (skill === "counting") return Number(answer) > 4 ? 1 : 0;
  if (skill === "localization") return answer === "1" || answer === "2" ? 1 : 0;
  if (skill === "rearrangement") {
    const order = answer.split(",");
    return order.indexOf("1") < order.indexOf("2") ? 1 : 0;
  }
  return answer === "yes" ? 1 : 0;
};

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

/** First, second and last picture against the mean of all. */
const ends = (pictures: readonly PictureFacts[], of: (one: PictureFacts) => number): number[] => {
  const values = pictures.map(of);
  const usual = mean(values);
  const apart = (at: number): number => (values.at(at) ?? usual) / (usual + 1e-6) - 1;
  return [apart(0), apart(1), apart(-1), Math.abs(apart(0) - apart(1))];
};

const nuisances: Readonly<Record<string, (row: Row) => number[]>> = {
  wording: ({ template, words }) => [...[0, 1, 2, 3, 4].map((one) => (one === template ? 1 : 0)), words],
  "number of pictures": ({ pictures }) => [pictures.length],
  "lengths of files": ({ pictures }) => [
    ...ends(pictures, ({ bytes }) => bytes),
    Math.log(pictures[0]!.bytes),
  ],
  "equal bytes": ({ pictures }) => [new Set(pictures.map(({ hash }) => hash)).size / pictures.length],
  "brightness at the ends": ({ pictures }) => ends(pictures, ({ brightness }) => brightness),
  sharpness: ({ pictures }) => ends(pictures, ({ sharpness }) => sharpness),
  "block edges": ({ pictures }) => ends(pictures, ({ blockiness }) => blockiness),
};

/** What is the very thing that is asked. */
const isAsked = (task: string, nuisance: string): boolean =>
  task === "counting" && (nuisance === "number of pictures" || nuisance === "lengths of files");

/** Logistic regression on standardised features, Newton-free: 200 steps of gradient descent with decay. */
const classifier = (features: readonly (readonly number[])[], labels: readonly number[]) => {
  const size = features[0]!.length;
  const centre = Array.from({ length: size }, (_, at) => mean(features.map((one) => one[at]!)));
  const spread = centre.map(
    (middle, at) => Math.sqrt(mean(features.map((one) => (one[at]! - middle) ** 2))) || 1,
  );
  const scaled = (one: readonly number[]): number[] =>
    one.map((value, at) => (value - centre[at]!) / spread[at]!);
  const rows = features.map(scaled);
  const weights = new Array<number>(size + 1).fill(0);
  const score = (row: readonly number[]): number =>
    row.reduce((sum, value, at) => sum + value * weights[at]!, weights[size]!);
  for (let step = 0; step < 200; step++) {
    const slope = new Array<number>(size + 1).fill(0);
    rows.forEach((row, at) => {
      const error = labels[at]! - 1 / (1 + Math.exp(-score(row)));
      row.forEach((value, i) => {
        slope[i]! += error * value;
      });
      slope[size]! += error;
    });
    for (let i = 0; i <= size; i++) weights[i] = weights[i]! * 0.999 + (slope[i]! * 2) / rows.length;
  }
  return (one: readonly number[]): number => (score(scaled(one)) > 0 ? 1 : 0);
};

/** Share of right answers on clips that the classifier has not seen, five folds. */
const accuracyOf = (rows: readonly Row[], nuisance: (row: Row) => number[]): number => {
  const foldOf = ({ cluster }: Row): number => Number.parseInt(sha256(cluster).slice(0, 8), 16) % 5;
  let right = 0;
  for (let fold = 0; fold < 5; fold++) {
    const [train, test] = [
      rows.filter((row) => foldOf(row) !== fold),
      rows.filter((row) => foldOf(row) === fold),
    ];
    if (train.length === 0 || test.length === 0) continue;
    const guess = classifier(
      train.map(nuisance),
      train.map(({ label }) => label),
    );
    right += test.filter((row) => guess(nuisance(row)) === row.label).length;
  }
  return right / rows.length;
};

const rows: Row[] = [];
await using video = openVideoService({ workers: 1 });
for (const folder of process.argv.slice(2))
  for await (const sample of readSamples(folder)) {
    const text = sample.messages.at(-1)!.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
    rows.push({
      task: sample.skill!,
      cluster: String((sample.provenance["source"] as { sha256: string }).sha256),
      label: labelOf(sample),
      template: Number(sample.provenance["template"]),
      words: text.at(-1)!.split(" ").length,
      pictures: await picturesOf(folder, sample, video),
    });
  }
const tasks = [...new Set(rows.map(({ task }) => task))].sort();
console.log(`${rows.length} questions about ${new Set(rows.map(({ cluster }) => cluster)).size} clips.\n`);
console.log(`| nuisance | ${tasks.join(" | ")} |\n|---|${tasks.map(() => "---").join("|")}|`);
const own = tasks.map((task) => rows.filter((row) => row.task === task));
const chance = own.map((of) =>
  Math.max(mean(of.map(({ label }) => label)), 1 - mean(of.map(({ label }) => label))),
);
for (const [name, nuisance] of Object.entries(nuisances)) {
  const cells = own.map((of, at) => {
    if (isAsked(tasks[at]!, name)) return "asked for";
    const more = 100 * (accuracyOf(of, nuisance) - chance[at]!);
    return `${more >= 0 ? "+" : "−"}${Math.abs(more).toFixed(1)}`;
  });
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}
console.log(`| chance, per cent | ${chance.map((share) => (100 * share).toFixed(1)).join(" | ")} |`);
console.log(`| questions | ${own.map(({ length }) => length).join(" | ")} |`);
