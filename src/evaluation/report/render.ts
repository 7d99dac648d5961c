import { type Html, html, trusted } from "../../core/html.ts";
import { lineChart } from "./line-chart.ts";
import type { ReportModel } from "./model.ts";
import { provenanceSection } from "./provenance.ts";
import { accuracyPlot, comparisonTable, resultTable, sensitivityPlot } from "./results.ts";
import { REPORT_SCRIPT } from "./script.ts";
import { exampleCard } from "./strip.ts";
import { REPORT_STYLE } from "./style.ts";
import { type Verdict, verdictsOf } from "./verdicts.ts";

const BADGES = { yes: "✓", no: "✗", open: "?" } as const;

const verdictItem = ({ outcome, headline, detail }: Verdict): Html =>
  html`<li class="${outcome}"><span class="badge" aria-hidden="true">${BADGES[outcome]}</span><div><strong>${headline}</strong><p>${detail}</p></div></li>`;

/**
 * One HTML file that holds everything: style, script, charts and pictures. Its security policy forbids the browser to
 * load anything. All text is escaped; the verdict sentences are computed from the numbers.
 *
 * @throws {ConfigError} when a picture is not a data URI
 */
export const renderReport = (model: ReportModel): string => {
  const verdicts = verdictsOf(model);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><title>${model.title}</title><style>${trusted(REPORT_STYLE)}</style></head>
<body><main>
<header><span class="over">VideoPerceiver report</span><h1>${model.title}</h1><p class="lead">${model.summary}</p>
<ul class="verdicts">${verdicts.map(verdictItem)}</ul>
<nav aria-label="Sections"><a href="#accuracy">Accuracy</a><a href="#sensitivity">Sensitivity</a>${model.pairs.length > 0 && html`<a href="#examples">Examples</a>`}${model.curves.length > 0 && html`<a href="#training">Training</a>`}<a href="#provenance">Provenance</a></nav></header>

<section id="accuracy"><h2>Accuracy on held-out clips</h2>
<p class="muted">Dots are accuracies, bars 95 % intervals that allow for questions about one clip being alike (clustered by clip). Compare stages by the paired differences below the table, not by overlapping bars.</p>
<div class="card">${accuracyPlot(model)}</div>
<div class="card">${resultTable(model)}</div>
${model.comparisons.length > 0 && html`<div class="card">${comparisonTable(model)}<p class="muted small">“Visible from” is the smallest difference that these questions would show in four of five repetitions.</p></div>`}</section>

<section id="sensitivity"><h2>Do the decisive frames decide?</h2>
<p class="muted">Sensitivity is the accuracy lost when the decisive frames go, minus the accuracy lost when as many other frames go, in stretches of the same lengths. Above 0 the answers depend on the decisive frames; around 0 they do not, or these questions cannot tell.</p>
<div class="card">${sensitivityPlot(model)}</div></section>

${
  model.pairs.length > 0 &&
  html`<section id="examples"><h2>Complete clips and their absent twins</h2>
<p class="muted">A twin has the same length and times; only the framed pictures differ.</p>${model.pairs.map(exampleCard)}</section>`
}

${
  model.curves.length > 0 &&
  html`<section id="training"><h2>Training</h2><p class="muted">Point at a curve, or focus it and use the arrow keys, to read its values.</p>
<div class="grid-charts">${model.curves.map(lineChart)}</div></section>`
}

<section id="provenance"><h2>Provenance</h2><div class="card">${provenanceSection(model.provenance)}</div></section>
<footer>Made ${model.madeAt} by VideoPerceiver. This file is complete in itself and loads nothing.</footer>
</main><script>${trusted(REPORT_SCRIPT)}</script></body></html>
`;
  return page.markup;
};
