import { type Html, html } from "../../core/html.ts";
import { pageDocument } from "../../pages/document.ts";
import { percent, percentRange, points, pointsRange, pValue } from "../../pages/format.ts";
import { intervalPlot } from "../../pages/interval-plot.ts";
import type { RecordPictures } from "../record-pictures.ts";
import { excludesZero } from "../statistics/estimate.ts";
import { type RunComparison, type RunDifference, verdictOf } from "./compare-runs.ts";
import { itemCard, itemScript, itemStyle } from "./item-card.ts";
import type { ComparedItem } from "./items.ts";
import { metricDifferenceText } from "./metric-differences.ts";

/** What a page of comparison shows. */
export interface ComparisonPage {
  /** A single run is compared with nothing; its page holds its questions. */
  readonly comparison: RunComparison;
  readonly items: readonly ComparedItem[];
  /** Questions in all; `items` may be the first of them. */
  readonly questions: number;
  readonly pictures: ReadonlyMap<string, RecordPictures>;
}

const sentence = (one: RunDifference, headline: string | null): string => {
  const { of, against } = one;
  const by = headline === null ? "" : ` by ${headline}`;
  const verdict = verdictOf(one, headline);
  if (verdict === null) return `${headline} is not defined for both ${of} and ${against}.`;
  if (verdict.low <= 0 && verdict.high >= 0)
    return `No measurable difference between ${of} and ${against}${by}.`;
  const side = verdict.value > 0 ? "better" : "worse";
  // Only accuracy has a test that is corrected for all comparisons.
  return headline === null && one.adjustedP > 0.05
    ? `${of} looks ${side} than ${against}; after Holm's correction this is not firm.`
    : `${of} is ${side} than ${against}${by}.`;
};

const fact = (name: string, value: string): Html => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const differenceCard = (one: RunDifference, { headline, isGraded }: RunComparison): Html => {
  const { of, against, difference, adjustedP, disagreement, detectable, needed, notCommon, metrics } = one;
  return html`<div class="card difference"><h3>${of} − ${against}</h3><p class="${excludesZero(difference) && adjustedP <= 0.05 ? "firm" : "unsure"}">${isGraded && html`<b>${points(difference.value)} points</b> right (${pointsRange(difference)}). `}${sentence(one, headline)}</p><dl>
${metrics.map((metric) => fact(metric.name, metricDifferenceText(metric)))}
${fact("common questions", `${difference.questions.toLocaleString("en-US")} about ${difference.clusters.toLocaleString("en-US")} clips`)}
${notCommon > 0 && fact("asked of one only, left out", notCommon.toLocaleString("en-US"))}
${
  isGraded &&
  html`${fact("permutation test over clips, by Holm", pValue(adjustedP))}
${fact("right in one only", `${disagreement.onlyFirst} : ${disagreement.onlySecond}`)}
${fact("McNemar, mid-p (questions independent)", pValue(disagreement.midP))}
${fact("smallest difference that shows here", `${percent(detectable)} points`)}
${fact("questions that would show this difference", needed === null ? "there is none" : needed.toLocaleString("en-US"))}`
}</dl></div>`;
};

const accuracyCard = (rows: RunComparison["rows"]): Html =>
  html`<div class="card">${intervalPlot({
    title: "Accuracy in per cent with 95 % intervals, clustered by clip",
    rows: rows.map(({ name, accuracy }) => ({
      name,
      note: `${accuracy.questions.toLocaleString("en-US")} questions`,
      marks: [
        {
          look: 0,
          estimate: accuracy,
          label: percent(accuracy.value),
          title: `${name}: ${percent(accuracy.value)} (${percentRange(accuracy)})`,
        },
      ],
    })),
    references: [],
    format: percent,
    span: [0, 1],
  })}</div>`;

const filters = (items: readonly ComparedItem[]): Html => {
  const counts = new Map<string, number>();
  for (const { tags } of items) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  const skills = [...new Set(items.map(({ answers }) => answers[0]!.record.skill))].sort();
  return html`<div class="filters"><label>show <select id="by-tag"><option value="">everything (${items.length})</option>${[...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([tag, count]) => html`<option value="${tag}">${tag} (${count})</option>`)}</select></label>
<label>skill <select id="by-skill"><option value="">all</option>${skills.map((skill) => html`<option value="${skill}">${skill}</option>`)}</select></label>
<label>text <input id="by-text" type="search" placeholder="question, answer or name"></label>
<p id="count" class="muted small" role="status">${items.length} questions</p></div>`;
};

/** One self-contained page: the differences, then every question with what was shown and said. */
export const comparisonPage = ({ comparison, items, questions, pictures }: ComparisonPage): string => {
  const { benchmark, rows, differences, cautions, mode, view, headline, isGraded } = comparison;
  const names = rows.map(({ name }) => name);
  const title = names.length === 1 ? `${names[0]} on ${benchmark}` : `${names.join(" and ")} on ${benchmark}`;
  const body = html`<header><span class="over">VideoPerceiver ${names.length === 1 ? "questions" : "comparison"}</span><h1>${title}</h1>
<p class="lead">${differences.length === 1 ? sentence(differences[0]!, headline) : `Shown as "${view}", ${mode} scoring.`}</p>
${cautions.map((caution) => html`<p class="caution">Caution: ${caution}.</p>`)}</header>
${isGraded && accuracyCard(rows)}
${differences.map((one) => differenceCard(one, comparison))}
<section id="questions"><h2>Question by question</h2><p class="muted">${items.length === questions ? `All ${questions.toLocaleString("en-US")} questions` : `${items.length.toLocaleString("en-US")} of ${questions.toLocaleString("en-US")} questions`}, those first that tell runs or views apart.</p>
${filters(items)}
<div id="items">${items.map((item) => itemCard(item, pictures.get(item.id)))}</div></section>
<footer>Differences are paired by question; intervals are 95 %, clustered by clip. This file is complete in itself and loads nothing.</footer>`;
  return pageDocument({ title, body, style: itemStyle, script: itemScript });
};
