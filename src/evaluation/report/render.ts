import { type Html, html } from "../../core/html.ts";
import { pageDocument } from "../../pages/document.ts";
import { lineChart } from "../../pages/line-chart.ts";
import { exampleSection } from "./example-card.ts";
import { findingsOf } from "./findings.ts";
import type { Finding, ReportModel } from "./model.ts";
import { breakdownTables, paperTable } from "./paper-table.ts";
import { provenanceSection } from "./provenance.ts";
import {
  accuracyPlot,
  contrastTable,
  differenceTable,
  eventTable,
  metricTable,
  resultTable,
  sensitivityPlot,
} from "./results.ts";
import { reportStyle } from "./style.ts";

const badges = { yes: "✓", no: "✗", open: "?" } as const;

const findingItem = ({ outcome, headline, detail }: Finding): Html =>
  html`<li class="${outcome}"><span class="badge" aria-hidden="true">${badges[outcome]}</span><div><strong>${headline}</strong><p>${detail}</p></div></li>`;

const accuracySection = (model: ReportModel): Html => {
  const metrics = metricTable(model);
  const paper = paperTable(model);
  const events = eventTable(model);
  const contrast = contrastTable(model);
  if (model.isGraded === false && metrics !== null)
    return html`<section id="accuracy"><h2>Metrics on held-out clips</h2>
<p class="muted">The answers are open texts that nobody gets right or wrong: metrics compare them with their references.</p>
<div class="card">${metrics}<p class="muted small">Intervals by bootstrap over clips that recomputes each metric.</p></div></section>`;
  return html`<section id="accuracy"><h2>Accuracy on held-out clips</h2>
<p class="muted">Dots are accuracies, bars 95 % intervals that allow for questions about one clip being alike (clustered by clip). Compare rows by the paired differences below the table, not by overlapping bars.</p>
<div class="card">${accuracyPlot(model)}</div>
${paper !== null && html`<div class="card">${paper}<p class="muted small">Means weigh every task alike. Answers that could not be read count as wrong; their share stands in the last column.</p></div>`}
${breakdownTables(model)}
<div class="card">${resultTable(model)}</div>
${events !== null && html`<div class="card">${events}<p class="muted small">Camera questions and the like are left out.</p></div>`}
${contrast !== null && html`<div class="card">${contrast}<p class="muted small">A held-out clip, its scripted twin and its keywords, one end token for all videos. The control freezes as many frames outside the event. With a twin that is the clip itself the loss is ln 2 = 0.6931; below it something else than the pictures tells them apart.</p></div>`}
${model.differences.length > 0 && html`<div class="card">${differenceTable(model)}<p class="muted small">p is of a permutation test that flips whole clips, corrected by Holm; McNemar’s takes questions as independent, so it is too small where those of one clip are alike. “Visible from” is the smallest difference that these questions would show in four of five repetitions.</p></div>`}
${metrics !== null && html`<div class="card">${metrics}<p class="muted small">Intervals by bootstrap over clips that recomputes each metric.</p></div>`}</section>`;
};

const sensitivitySection = (
  model: ReportModel,
): Html => html`<section id="sensitivity"><h2>Do the decisive frames decide?</h2>
<p class="muted">Sensitivity is the accuracy lost when the decisive frames go, minus the accuracy lost when as many other frames go, in stretches of the same lengths. Above 0 the answers depend on the decisive frames; around 0 they do not, or these questions cannot tell.</p>
<div class="card">${sensitivityPlot(model)}</div></section>`;

/** One self-contained HTML file. All text is escaped; the findings' sentences are computed from the numbers. */
export const renderReport = (model: ReportModel): string => {
  const { examples, curves } = model;
  const isSensed = model.rows.some(({ sensitivity }) => sensitivity !== null);
  const hasExamples = examples !== null && examples.pairs.length > 0;
  const body = html`<header><span class="over">VideoPerceiver report</span><h1>${model.title}</h1><p class="lead">${model.summary}</p>
<ul class="findings">${findingsOf(model).map(findingItem)}</ul>
<nav aria-label="Sections"><a href="#accuracy">${model.isGraded === false ? "Metrics" : "Accuracy"}</a>${isSensed && html`<a href="#sensitivity">Sensitivity</a>`}${hasExamples && html`<a href="#examples">Examples</a>`}${curves.length > 0 && html`<a href="#training">Training</a>`}<a href="#provenance">Provenance</a></nav></header>

${accuracySection(model)}

${isSensed && sensitivitySection(model)}

${hasExamples && html`<section id="examples"><h2>Complete clips and their absent twins</h2>${exampleSection(examples)}</section>`}

${
  curves.length > 0 &&
  html`<section id="training"><h2>Training</h2><p class="muted">Point at a curve, or focus it and use the arrow keys, to read its values.</p>
<div class="grid-charts">${curves.map(lineChart)}</div></section>`
}

<section id="provenance"><h2>Provenance</h2><div class="card">${provenanceSection(model.provenance)}</div></section>
<footer>${model.madeAt !== null && `Run of ${model.madeAt}. `}Made by VideoPerceiver from the run's records. This file is complete in itself and loads nothing.</footer>`;
  return pageDocument({ title: model.title, body, style: reportStyle });
};
