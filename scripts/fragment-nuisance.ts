/**
 * What can be had of fragment tasks without looking: classifiers on each nuisance (features that are not content) and on
 * all of them together, cross-validated by clip, against the share of the more frequent answer.
 *
 *     node scripts/fragment-nuisance.ts SET [SET ...] [--facts FILE] [--most 5000]
 *
 * SET: a data set folder that `videoperceiver fragments` made; sets of one call have one form. Facts are kept in FILE, so
 * that a second call only learns. Prints a table in Markdown: points above chance with a 95 % interval, clips as clusters.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { sha256, writeFileAtomic } from "../src/core/files.ts";
import { readSamples } from "../src/dataset/read.ts";
import type { Sample } from "../src/dataset/sample.ts";
import { pixelsOf } from "../src/frames/frame-batch.ts";
import { readFrames } from "../src/frames/read-frames.ts";
import { shortClipFrames } from "../src/jobs/fragments/protocol.ts";
import { openVideoService, type VideoService } from "../src/video/service.ts";
import {
  type Accuracy,
  crossValidated,
  type Learn,
  learnLinear,
  learnTrees,
} from "./fragment-nuisance/classifiers.ts";
import { factsOf, type PictureFacts, packetLengths } from "./fragment-nuisance/picture-facts.ts";

interface Row {
  readonly task: string;
  readonly cluster: string;
  readonly label: number;
  readonly template: number;
  readonly words: number;
  readonly extension: string;
  readonly pictures: readonly PictureFacts[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { facts: { type: "string" }, most: { type: "string", default: "5000" } },
});

const picturesOf = async (folder: string, sample: Sample, video: VideoService): Promise<PictureFacts[]> => {
  const images = sample.messages
    .at(-1)!
    .content.flatMap((part) => (part.type === "image" ? [part.image] : []));
  if (images.length > 0)
    return Promise.all(
      images.map(async (image) => {
        const bytes = readFileSync(join(folder, image));
        const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
        return factsOf(data, info.width, info.height, { bytes: bytes.length, hash: sha256(bytes) });
      }),
    );
  const file = join(folder, sample.clip.file);
  const batch = await readFrames(video, file, { select: { kind: "all" } });
  const lengths = packetLengths(readFileSync(file));
  const every = shortClipFrames([file]).length;
  return Array.from({ length: batch.frames.length / every }, (_, picture) => {
    const at = picture * every;
    const pixels = pixelsOf(batch, at);
    return factsOf(pixels, batch.width, batch.height, { bytes: lengths[at]!, hash: sha256(pixels) });
  });
};

/** The answer as two classes that are told apart. */
const labelOf = ({ skill, answer }: Sample): number => {
  if (skill === "counting") return Number(answer) > 4 ? 1 : 0;
  if (skill === "localization") return answer === "1" || answer === "2" ? 1 : 0;
  if (skill === "rearrangement") {
    const order = answer.split(",");
    return order.indexOf("1") < order.indexOf("2") ? 1 : 0;
  }
  return answer === "yes" ? 1 : 0;
};

const taskOf = ({ skill, provenance }: Sample): string => {
  const { params } = provenance["task"] as { params: Record<string, unknown> };
  return params["ask"] === "foreign" ? `${skill}, foreign` : skill!;
};

/** Most pictures whose places have features of their own. */
const places = 6;

/** A fact place by place against its mean, its trend, its extremes, and what the first two differ by. */
const along = (pictures: readonly PictureFacts[], of: (one: PictureFacts) => number): number[] => {
  const own = pictures.map(of);
  const usual = own.reduce((sum, one) => sum + one, 0) / own.length;
  const apart = own.map((one) => one / (usual + 1e-6) - 1);
  const trend = apart.reduce((sum, one, at) => sum + one * (at - (own.length - 1) / 2), 0);
  return [
    ...Array.from({ length: places }, (_, at) => apart[at] ?? 0),
    apart.at(-1)!,
    trend,
    apart.indexOf(Math.max(...apart)),
    apart.indexOf(Math.min(...apart)),
    Math.abs(apart[0]! - (apart[1] ?? 0)),
    apart[0]! - (apart[1] ?? 0),
    Math.log(usual + 1e-3),
  ];
};

/** Where counting is asked, only what every question shows: the number of pictures is the answer. */
const counted = ({ task, pictures }: Row): readonly PictureFacts[] =>
  task === "counting" ? pictures.slice(0, 2) : pictures;

const nuisances: Readonly<Record<string, (row: Row) => number[]>> = {
  wording: ({ template, words }) => [...[0, 1, 2, 3, 4].map((one) => (one === template ? 1 : 0)), words],
  "kind of file": ({ extension }) => [extension === "jpg" ? 1 : 0, extension === "png" ? 1 : 0],
  "number of pictures": ({ task, pictures }) => [task === "counting" ? 0 : pictures.length],
  "lengths of files or packets": (row) => along(counted(row), ({ bytes }) => bytes),
  "equal bytes": (row) => [
    new Set(counted(row).map(({ hash }) => hash)).size / counted(row).length,
    row.pictures[0]!.hash === row.pictures[1]?.hash ? 1 : 0,
  ],
  brightness: (row) => along(counted(row), ({ brightness }) => brightness),
  contrast: (row) => along(counted(row), ({ contrast }) => contrast),
  sharpness: (row) => along(counted(row), ({ sharpness }) => sharpness),
  "block edges": (row) => along(counted(row), ({ blockiness }) => blockiness),
  "shifted grid": (row) => along(counted(row), ({ shiftedGrid }) => shiftedGrid),
  "quantised frequencies": (row) => along(counted(row), ({ zeros }) => zeros),
  "dark borders": (row) => along(counted(row), ({ border }) => border),
};
/** What tells as much as this is content: the same numbers of a grid that no encoder has. */
const controls: typeof nuisances = {
  "block edges, grid of 7 (control)": (row) =>
    along(counted(row), ({ contentBlockiness }) => contentBlockiness),
  "shifted grid, grid of 7 (control)": (row) => along(counted(row), ({ contentGrid }) => contentGrid),
};
const everything = (row: Row): number[] => Object.values(nuisances).flatMap((of) => of(row));

const rowOf = async (folder: string, sample: Sample, video: VideoService): Promise<Row> => {
  const parts = sample.messages.at(-1)!.content;
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const image = parts.find((part) => part.type === "image");
  return {
    task: taskOf(sample),
    cluster: String((sample.provenance["source"] as { sha256: string }).sha256),
    label: labelOf(sample),
    template: Number(sample.provenance["template"]),
    words: text.at(-1)!.split(" ").length,
    extension: image?.type === "image" ? image.image.split(".").at(-1)! : "mp4",
    pictures: await picturesOf(folder, sample, video),
  };
};

const readRows = async (): Promise<Row[]> => {
  const kept = values.facts;
  if (kept !== undefined && existsSync(kept))
    return readFileSync(kept, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Row);
  const rows: Row[] = [];
  await using video = openVideoService({ workers: 2 });
  let waiting: Promise<Row>[] = [];
  const empty = async (): Promise<void> => {
    rows.push(...(await Promise.all(waiting)));
    waiting = [];
  };
  const read = new Map<string, number>();
  for (const folder of positionals)
    for await (const sample of readSamples(folder)) {
      const own = (read.get(taskOf(sample)) ?? 0) + 1;
      if (own > Number(values.most)) continue;
      read.set(taskOf(sample), own);
      waiting.push(rowOf(folder, sample, video));
      if (waiting.length >= 32) await empty();
    }
  await empty();
  if (kept !== undefined) writeFileAtomic(kept, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return rows;
};

const foldOf = (cluster: string): number => Number.parseInt(sha256(cluster).slice(0, 8), 16) % 5;
const rows = await readRows();
const tasks = [...new Set(rows.map(({ task }) => task))].sort();
const own = tasks.map((task) => rows.filter((row) => row.task === task).slice(0, Number(values.most)));
const chance = own.map((of) => {
  const share = of.reduce((sum, { label }) => sum + label, 0) / of.length;
  return Math.max(share, 1 - share);
});
console.log(`${rows.length} questions about ${new Set(rows.map(({ cluster }) => cluster)).size} clips.\n`);
console.log(`| nuisance | ${tasks.join(" | ")} |\n|---|${tasks.map(() => "---").join("|")}|`);
const cell = ({ share, error }: Accuracy, at: number): string => {
  const signed = (value: number): string => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`;
  const [more, reach] = [100 * (share - chance[at]!), 196 * error];
  return `${signed(more)} (${signed(more - reach)} to ${signed(more + reach)})`;
};
const line = (name: string, features: (row: Row) => number[], learn: Learn): void => {
  const cells = own.map((of, at) => {
    const made = of.map((row) => ({ ...row, features: features(row) }));
    return cell(crossValidated(made, learn, foldOf), at);
  });
  console.log(`| ${name} | ${cells.join(" | ")} |`);
};
for (const [name, features] of Object.entries({ ...nuisances, ...controls })) {
  line(name, features, learnLinear);
  line(`${name}, trees`, features, learnTrees);
}
line("all together, linear", everything, learnLinear);
line("all together, trees", everything, learnTrees);
console.log(`| chance, per cent | ${chance.map((share) => (100 * share).toFixed(1)).join(" | ")} |`);
console.log(`| questions | ${own.map(({ length }) => length).join(" | ")} |`);
