import { type Html, html } from "../../core/html.ts";
import type { Rejection } from "../../dataset/schema.ts";
import type { FineVidBenchRow } from "../../evaluation/finevidbench-layout.ts";
import { pageDocument } from "../../pages/document.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import { taskCells, taskHeads } from "./card.ts";
import type { BenchmarkDescription } from "./put-together.ts";

/** A clip as the page shows it. */
export interface PageClip {
  readonly name: string;
  /** Base64 of a JPEG. */
  readonly strip: string;
  readonly actions: readonly string[];
  readonly rows: readonly FineVidBenchRow[];
}

/** Rejections that the page lists at most. */
const listed = 500;

const optionsOf = ({ options, answer }: FineVidBenchRow): Html =>
  options === undefined
    ? html`<b>${answer}</b>`
    : html`${options.map((text, at) => {
        const shown = `${String.fromCharCode(65 + at)}. ${text}`;
        return at === answer.charCodeAt(0) - 65 ? html`<b>${shown}</b> ` : html`${shown} `;
      })}`;

const clipCard = ({ name, strip, actions, rows }: PageClip): Html =>
  html`<div class="card"><span class="over">${name}</span><p><img alt="frames of ${name}" src="data:image/jpeg;base64,${strip}"></p><p class="small muted">${actions.length === 0 ? "nobody says what happens" : `actions: ${actions.join(", ")}`}</p><details><summary>${rows.length} questions</summary><dl>${rows.map(
    (row) =>
      html`<dt><a href="${row.video}">${row.task}${row.speed === undefined ? "" : `, ${row.speed}`}</a></dt><dd>${row.question}<br>${optionsOf(row)}</dd>`,
  )}</dl></details></div>`;

/** The page of a benchmark: what can be had without looking, clips with their questions, what was rejected. */
export const benchmarkPage = (
  title: string,
  { note, counts, tasks }: BenchmarkDescription,
  clips: readonly PageClip[],
  rejected: readonly Rejection[],
): string => {
  const body = html`<header><span class="over">VideoPerceiver benchmark</span><h1>${title}</h1>
<p class="lead">${counts.questions} questions about ${counts.clips} clips, ${note}.</p></header>
<section><h2>Tasks</h2><div class="card">${scrollBox(
    html`<table><thead><tr>${taskHeads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${tasks.map(
      (task) => {
        const [name, ...cells] = taskCells(task);
        return html`<tr><th scope="row">${name!}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
      },
    )}</tbody></table>`,
    "Tasks",
  )}<p class="muted small">Chance and text prior in per cent. Text prior: what a guesser gets who sees no film and knows which option texts were right for other clips.</p></div></section>
<section><h2>Clips</h2>${clips.map(clipCard)}</section>
<section><h2>What was rejected</h2><div class="card">${scrollBox(
    html`<table class="reasons"><tbody>${rejected.slice(0, listed).map(({ source, ruleId, reason }) => html`<tr><td>${source}</td><td>${ruleId}</td><td>${reason}</td></tr>`)}</tbody></table>`,
    "what was rejected",
  )}</div></section>`;
  const style =
    ".card { overflow-wrap: anywhere; } .card img { max-width: 100%; } dd { margin: 0 0 8px; } dt { margin-top: 6px; } .card table { overflow-wrap: normal; } thead th:not(:first-child) { text-align: right; } .reasons td { text-align: left; white-space: normal; } .reasons td:first-child { overflow-wrap: anywhere; min-width: 9em; } .reasons td:nth-child(2) { white-space: nowrap; }";
  return pageDocument({ title, body, style });
};
