/**
 * How fast real clips are built, and what becomes of them; prints the tables of docs/scale.md, "Measured". Needs the shared
 * clips. Rates are those of this machine: one worker, no kept scores.
 * Run: node scripts/build-rate.ts [--clips DIR] [--workers 1] [--keep FOLDER]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { usualBuilder } from "../src/absent/builders.ts";
import { readJsonFile } from "../src/core/files.ts";
import { silentProgress } from "../src/core/progress.ts";
import { buildDataset } from "../src/jobs/build/build.ts";
import { buildRates } from "../src/jobs/build/rates.ts";

const { values } = parseArgs({
  options: {
    clips: { type: "string", default: `${process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared"}/data/clips` },
    workers: { type: "string", default: "1" },
    keep: { type: "string" },
  },
});
const listed = readJsonFile(join(values.clips, "clips.json")) as {
  readonly file: string;
  readonly caption: string;
  readonly events: readonly { readonly start: number; readonly end: number }[];
}[];
const folder = values.keep ?? mkdtempSync(join(tmpdir(), "build-rate-"));

/** A table of the clips as a person would have it; events are spans without names. */
const table = join(folder, "clips.jsonl");
writeFileSync(
  table,
  listed
    .map(({ file, caption, events }) => {
      const spans = events.map(({ start, end }) => ({ start, end, what: "it happens" }));
      return `${JSON.stringify({ video: file, caption, ...(spans.length > 0 && { events: spans }) })}\n`;
    })
    .join(""),
);

const lines = ["| | motion | auto (known events, else motion) |", "|---|---|---|"];
const columns: string[][] = [];
for (const relevance of ["motion", "auto"]) {
  const out = join(folder, relevance);
  // Each begins with nothing kept.
  process.env["VIDEOPERCEIVER_CACHE"] = join(folder, `cache-${relevance}`);
  const result = await buildDataset(
    {
      sources: [{ place: table, clips: values.clips }],
      columns: {},
      out,
      settings: {
        relevance,
        builder: usualBuilder,
        extractor: "offline",
        scored: "auto",
        questions: ["describe", "when"],
        seed: 0,
        store: "refer",
        untwinned: false,
      },
      reading: { decoder: "auto", cache: true, cacheSize: 1e9 },
      plugins: [],
      skippedRules: [],
      notIn: [],
      workers: Number(values.workers),
      attempts: 3,
    },
    {
      signal: new AbortController().signal,
      warn: (line) => console.error(line),
      progress: () => silentProgress,
    },
  );
  const rate = relevance === "motion" ? buildRates()["motion"] : undefined;
  const { clipsPerMinute, pairs, meanShare, meanEventsGone, rejectedByRule } = result;
  const percent = (share: number | null): string => (share === null ? "" : `${(100 * share).toFixed(1)} %`);
  columns.push([
    `${clipsPerMinute?.toFixed(0)}`,
    rate === undefined ? "" : rate.videoSpeed.toFixed(1),
    rate === undefined ? "" : rate.rowsPerSecond.toFixed(0),
    String(pairs),
    percent(meanShare),
    percent(meanEventsGone),
    Object.entries(rejectedByRule)
      .map(([rule, count]) => `${rule} ${count}`)
      .join(", "),
    rate === undefined
      ? ""
      : `${Math.round(rate.workBytesPerRow / 1000)} kB, ${Math.round(rate.setBytesPerRow / 1000)} kB`,
  ]);
}
const names = [
  "clips a minute",
  "seconds of video a second and worker",
  "rows put together a second",
  "pairs",
  "replaced of a clip, mean",
  "of the events' frames gone, mean",
  "samples and rows rejected",
  "bytes a row: result file, data set and page",
];
for (const [at, name] of names.entries())
  lines.push(`| ${name} | ${columns.map((column) => column[at]).join(" | ")} |`);
console.log(lines.join("\n"));
if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
