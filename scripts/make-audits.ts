// Writes docs/results/audits.html: what was audited and measured on the real annotation and prediction files of the
// shared material. Figures only; nothing of the files themselves. Usage: node scripts/make-audits.ts [SHARED FOLDER]
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder, writeFileAtomic } from "../src/core/files.ts";
import { type Html, html } from "../src/core/html.ts";
import { silentProgress } from "../src/core/progress.ts";
import type { Guesser } from "../src/evaluation/audit/audit.ts";
import { type AuditResult, audit } from "../src/jobs/audit.ts";
import { score } from "../src/jobs/score.ts";
import { pageDocument } from "../src/pages/document.ts";
import { percent, percentRange } from "../src/pages/format.ts";

const shared = process.argv[2] ?? process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared";
const root = join(shared, "data/benchmarks");
const context = { signal: new AbortController().signal, progress: () => silentProgress, warn: () => {} };

/** Questions in each folder: adapter and place. */
const audited: readonly (readonly [folder: string, benchmark: string, place: string])[] = [
  ["vru-accident", "vru-accident", "vru-accident"],
  ["vru-accident", "vru-accident-captions", "vru-accident"],
  ["tempcompass", "tempcompass", "tempcompass/multi-choice.json"],
  ["next-qa", "next-qa", "next-qa/nextqa_val.csv"],
  ["next-qa", "next-qa", "next-qa/nextgqa_val.csv"],
  ["tomato", "tomato", "tomato"],
  ["videommmu", "videommmu", "videommmu/perception_video.json"],
  ["egoschema", "egoschema", "egoschema/subset_answers.json"],
  ["moment-video", "moment-video", "moment-video/annotation_all.json"],
  ["mvbench", "mvbench", "mvbench/one_record.json"],
  ["qvhighlights", "qvhighlights", "qvhighlights/highlight_val_release.jsonl"],
  ["charades-sta", "charades-sta", "charades-sta/charades_sta_test.txt"],
  ["activitynet-captions", "activitynet-captions", "activitynet-captions/val.json"],
  ["tacos", "tacos", "tacos/val.json"],
];

/** Folders without questions, and what is in them. */
const without: Readonly<Record<string, string>> = {
  "activitynet-localization": "stretches of detected actions, no questions",
  dota: "labels of accidents, no questions",
  hmdb51: "lists of clips and classes, no questions",
  labels: "names of classes, no questions",
  "mm-au": "a list of clips and a table of descriptions, no questions",
  motionbench: "names of clips and a file of random answers; its questions are not among the files",
  timechat: "a few examples of grounding, no benchmark",
};

/** What was measured from shipped predictions, beside what was published. */
const measured = async (): Promise<{ what: string; ours: string; published: string }[]> => {
  const responses = join(root, "vru-accident/responses/Qwen25_VL");
  const run = (
    benchmark: string,
    annotations: string,
    predictions: string,
    mode: "strict" | "official",
    metrics: string[] = [],
  ) => score({ benchmark, annotations, predictions, mode, metrics }, context);
  const vru = await run("vru-accident", responses, responses, "official");
  const temp = await run(
    "tempcompass",
    join(root, "tempcompass/multi-choice.json"),
    join(root, "tempcompass/predictions_video-llava_multi-choice.json"),
    "official",
  );
  const moments = await run(
    "qvhighlights",
    join(root, "qvhighlights/highlight_val_release.jsonl"),
    join(root, "qvhighlights/sample_val_preds.jsonl"),
    "strict",
    ["recall-at-iou:0.5", "recall-at-iou:0.7"],
  );
  const recall = (iou: string): string =>
    (100 * moments.metrics.find(({ name }) => name === `recall-at-iou:${iou}`)!.value!.value).toFixed(2);
  return [
    {
      what: "VRU-Accident, response files of Qwen2.5-VL-3B, official scoring, per cent",
      ours: (100 * vru.accuracy.value).toFixed(2),
      published: "48.82",
    },
    {
      what: "TempCompass, multiple choice of Video-LLaVA, official scoring, per cent",
      ours: percent(temp.accuracy.value),
      published: "45.6",
    },
    { what: "QVHighlights, sample predictions, R1 at IoU 0.5", ours: recall("0.5"), published: "53.94" },
    { what: "QVHighlights, sample predictions, R1 at IoU 0.7", ours: recall("0.7"), published: "34.84" },
  ];
};

const guesserOf = ({ guessers }: AuditResult, name: string): Guesser | undefined =>
  guessers.find((one) => one.name === name);

const cell = (guesser: Guesser | undefined): string =>
  guesser === undefined ? "–" : `${percent(guesser.accuracy.value)} (${percentRange(guesser.accuracy)})`;

const fact = (name: string, value: string): Html => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const verdict = (found: AuditResult): string => {
  if (found.chance === null)
    return "No choice questions with texts and published answers: there is nothing to guess.";
  const best = found.guessers.toSorted((a, b) => b.accuracy.value - a.accuracy.value)[0]!;
  const above = best.accuracy.value - found.chance;
  if (best.accuracy.low <= found.chance) return "Its texts give nothing away that these guessers find.";
  return above > 0.2
    ? "Most of a score can be had without looking: a number without a blind control of the same model says nothing."
    : "Its texts give a little away: report a blind control.";
};

const card = (place: string, found: AuditResult): Html => {
  const { benchmark, questions, audited: counted, clips, chance, letters, duplicates, irregular } = found;
  const top = letters.toSorted((a, b) => b.right - a.right)[0];
  const total = letters.reduce((sum, { right }) => sum + right, 0);
  return html`<article class="card" id="${benchmark}"><h3>${benchmark} <span class="muted">${place}</span></h3><p>${verdict(found)}</p><dl>
${fact("questions, and those that can be guessed", `${questions.toLocaleString("en-US")}, ${counted.toLocaleString("en-US")}`)}
${fact("clips", clips.toLocaleString("en-US"))}
${chance !== null && fact("chance", percent(chance))}
${found.guessers.map((one) => fact(one.name, cell(guesserOf(found, one.name))))}
${top !== undefined && fact("most frequent right letter", `${top.letter}, ${percent(top.right / total)} %`)}
${fact("asked twice about one clip; the same question and options on another", `${duplicates.sameClip.length}; ${duplicates.otherClip}`)}
${irregular.map(({ what, ids }) => fact(`odd: ${what}`, ids.length.toLocaleString("en-US")))}</dl></article>`;
};

const rows: { readonly place: string; readonly found: AuditResult }[] = [];
for (const [, benchmark, place] of audited)
  rows.push({ place, found: await audit({ benchmark, annotations: join(root, place), seed: 0 }) });
const known = new Set([...audited.map(([folder]) => folder), ...Object.keys(without)]);
const unknown = readdirSync(root).filter((folder) => !known.has(folder));
if (unknown.length > 0) throw new Error(`folders without a row: ${unknown.join(", ")}`);
const strength = ({ found }: (typeof rows)[number]): number =>
  Math.max(-1, ...found.guessers.map(({ accuracy }) => accuracy.value - (found.chance ?? 0)));
rows.sort((a, b) => strength(b) - strength(a));
const numbers = await measured();

const body = html`<header><span class="over">VideoPerceiver results</span><h1>What was audited and measured here</h1>
<p class="lead">How far the questions of public benchmarks can be answered without any clip, and which published scores our scoring reproduces. Those that give most away come first.</p></header>
<section><h2>Measured from shipped predictions</h2>${numbers.map(
  ({ what, ours, published }) =>
    html`<div class="card"><h3>${what}</h3><dl>${fact("ours", ours)}${fact("published", published)}${fact("the same", ours === published ? "yes" : "no")}</dl></div>`,
)}</section>
<section><h2>Audited</h2><p class="muted">Per cent right, with 95 % intervals clustered by clip. Guessers see texts only and are fitted on the benchmark’s own answers: “by clip” never on the same clip, “by source” never on the same source.</p>
${rows.map(({ place, found }) => card(place, found))}</section>
<section><h2>Without questions</h2><div class="card"><dl>${Object.entries(without).map(([folder, what]) => fact(folder, existsSync(join(root, folder)) ? what : "not there"))}</dl></div></section>
<footer>Made by scripts/make-audits.ts. Figures only: no question, answer or clip of the files stands here. This file is complete in itself and loads nothing.</footer>`;
const file = fileURLToPath(new URL("../docs/results/audits.html", import.meta.url));
makeFolder(fileURLToPath(new URL("../docs/results", import.meta.url)));
writeFileAtomic(file, pageDocument({ title: "What was audited and measured here", body }));
console.log(file);
