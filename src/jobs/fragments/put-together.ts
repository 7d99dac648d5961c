import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { writeFileAtomic } from "../../core/files.ts";
import { type Html, html } from "../../core/html.ts";
import type { Sample } from "../../dataset/sample.ts";
import { type DatasetDescription, type Rejection, rowInSplit, sampleFromRow } from "../../dataset/schema.ts";
import { type SplitShares, splitOfClip } from "../../dataset/split.ts";
import { DatasetWriter } from "../../dataset/write.ts";
import { pageDocument } from "../../pages/document.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import { RejectionCounts } from "../build/card.ts";
import type { BuildPlan } from "../build/plan-clips.ts";
import { resultFile } from "../build/protocol.ts";
import { type FragmentClip, type FragmentRow, type FragmentSettings, picturesFolder } from "./protocol.ts";

/** Finished clips, and what a data set is put together by. */
export interface FinishedFragments {
  readonly out: string;
  readonly plan: BuildPlan;
  readonly settings: FragmentSettings;
  readonly split: SplitShares | undefined;
  /** What of clips that must stay out is written down; undefined: none must. */
  readonly notIn: object | undefined;
  readonly signal: AbortSignal;
}

/** What the finished data set holds, and why clips and questions are not in it. */
export interface FragmentCounts {
  readonly description: DatasetDescription;
  readonly rejections: RejectionCounts;
}

/** Answers of every task, by how often. */
type Answers = Map<string, Map<string, number>>;

const count = (answers: Answers, task: string, answer: string): void => {
  const own = answers.get(task) ?? new Map<string, number>();
  answers.set(task, own.set(answer, (own.get(answer) ?? 0) + 1));
};

const answerRow = ([task, own]: readonly [string, ReadonlyMap<string, number>]): string => {
  const all = [...own.values()].reduce((sum, one) => sum + one, 0);
  const shown = [...own].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, 12);
  const more = own.size > shown.length ? `, ... (${own.size} answers)` : "";
  return `| ${task} | ${all} | ${shown.map(([answer, times]) => `\`${answer}\` ${times}`).join(", ")}${more} |`;
};

const card = (
  title: string,
  { counts, contentHash }: DatasetDescription,
  answers: Answers,
  rejections: RejectionCounts,
): string => `# ${title}

Questions about fragments of clips, whose answers are known because the pictures were put together for them. Shown
frames carry no time of their clip; which frames they are stands in \`provenance\`.

- ${counts.samples} questions; ${counts.rejected} were rejected; content ${contentHash}

| task | questions | answers |
|---|---|---|
${[...answers]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(answerRow)
  .join("\n")}

## What was rejected

${counts.rejected === 0 ? "Nothing." : `| rule | how often | for example |\n|---|---|---|\n${rejections.lines().join("\n")}`}
`;

const rejectedTable = (rejected: readonly Rejection[]): Html =>
  html`<table class="reasons"><tbody>${rejected.map(({ source, ruleId, reason }) => html`<tr><td>${source}</td><td>${ruleId}</td><td>${reason}</td></tr>`)}</tbody></table>`;

/** What a question says beside its pictures, and what each of them is called: nothing where no number is told. */
const shownQuestion = ({ messages }: Pick<Sample, "messages">): { names: string[]; text: string } => {
  const content = messages.findLast(({ role }) => role === "user")?.content ?? [];
  const names: string[] = [];
  const texts: string[] = [];
  content.forEach((part, at) => {
    const before = content[at - 1];
    const isName = part.type === "text" && content[at + 1]?.type === "image";
    if (part.type === "image") names.push(before?.type === "text" ? before.text.replace(/:$/, "") : "");
    else if (part.type === "text" && !isName) texts.push(part.text);
  });
  return { names: names.every((name) => name === "") ? [] : names, text: texts.join(" ") };
};

const page = (
  title: string,
  rows: readonly FragmentRow[],
  rejected: readonly Rejection[],
  total: number,
): string => {
  const body = html`<header><span class="over">VideoPerceiver fragments</span><h1>${title}</h1>
<p class="lead">${total} questions; the first fragment of the first clips is shown (${rows.length} questions). Pictures stand in the order in which they are asked about.</p></header>
${rows.map((row) => {
  const sample = sampleFromRow(JSON.parse(row.line), row.id);
  const { names, text } = shownQuestion(sample);
  const labels =
    names.length > 0 &&
    html`<figcaption class="small muted">${names.map((name) => html`<span>${name === "" ? "looked for" : name}</span>`)}</figcaption>`;
  return html`<div class="card"><span class="over">${row.task}</span><figure class="pictures"><img alt="the pictures of ${row.id}" src="data:image/jpeg;base64,${row.strip ?? ""}">${labels}</figure><p>${text} <b>${sample.answer}</b></p><p class="small muted">${row.id}</p></div>`;
})}
<section><h2>What was rejected</h2><div class="card">${scrollBox(rejectedTable(rejected), "what was rejected")}</div></section>`;
  // Names of clips are as long as a hash and longer.
  const style =
    ".card { overflow-wrap: anywhere; } .card img { display: block; max-width: 100%; } .pictures { width: fit-content; max-width: 100%; margin-bottom: 10px; } .pictures figcaption { display: flex; } .pictures span { flex: 1 1 0; min-width: 0; text-align: center; } .reasons td { text-align: left; white-space: normal; overflow-wrap: normal; } .reasons td:first-child { overflow-wrap: anywhere; min-width: 9em; }";
  return pageDocument({ title, body, style });
};

/** Takes away files that no row names: of an attempt that was ended, or of another plan. */
const sweep = (folder: string, kept: ReadonlySet<string>): void => {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (!kept.has(name)) rmSync(join(folder, name), { force: true });
};

/** Puts finished clips together as a data set, in the order of the plan; one clip's result is in memory at a time. */
export const putFragmentsTogether = async (finished: FinishedFragments): Promise<FragmentCounts> => {
  const { out, plan, settings, split, notIn, signal } = finished;
  const chosen = { ...(notIn && { notIn }), ...(split && { split }) };
  const recipe = { name: "fragments", params: { sources: plan.sources, settings, ...chosen } };
  const writer = new DatasetWriter({ folder: out, recipe });
  const rejections = new RejectionCounts();
  const answers: Answers = new Map();
  const shown: FragmentRow[] = [];
  const told: Rejection[] = [];
  const reject = (rejection: Rejection): void => {
    writer.reject(rejection);
    rejections.add(rejection);
    if (told.length < 500) told.push(rejection);
  };
  for (const rejection of plan.rejected) reject(rejection);
  const kept = new Set<string>();
  let total = 0;
  for (const { position } of plan.clips) {
    signal.throwIfAborted();
    const result = JSON.parse(readFileSync(join(out, resultFile(position)), "utf8")) as FragmentClip;
    for (const rejection of result.rejected) reject(rejection);
    for (const row of result.rows) {
      const { answer, clip } = JSON.parse(row.line) as { answer: string; clip: { sha256: string } };
      // All fragments of a clip are in one part, whatever form they have.
      const part = split === undefined ? undefined : splitOfClip(result.sha256!, split);
      writer.addRow(part === undefined ? row.line : rowInSplit(row.line, part), clip.sha256, row.task);
      count(answers, row.task, answer);
      for (const file of row.files) kept.add(file);
      if (row.strip !== undefined) shown.push(row);
      total++;
    }
  }
  for (const folder of ["clips", picturesFolder]) {
    const own = [...kept].filter((file) => file.startsWith(`${folder}/`));
    sweep(join(out, folder), new Set(own.map((file) => basename(file))));
  }
  writeFileAtomic(join(out, "index.html"), page(basename(out), shown, told, total));
  const description = await writer.finish((described) => card(basename(out), described, answers, rejections));
  return { description, rejections };
};
