import { type Html, html } from "../../core/html.ts";
import { percent, percentRange, points, pointsRange, pValue } from "../../pages/format.ts";
import { type IntervalMark, intervalPlot } from "../../pages/interval-plot.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import type { MetricScore } from "../score.ts";
import { type Estimate, excludesZero } from "../statistics/estimate.ts";
import type { ReportModel, ResultRow, SkillEstimates } from "./model.ts";

const VIEWS: readonly {
  readonly key: "complete" | "absent" | "randomRemoval";
  readonly label: string;
  readonly look: 0 | 1 | 2;
}[] = [
  { key: "complete", label: "complete", look: 0 },
  { key: "absent", label: "absent twin", look: 1 },
  { key: "randomRemoval", label: "random removal", look: 2 },
];

/** Mean over the skills' questions; null where a skill has none. */
const weighted = (model: ReportModel, of: "chance" | "majority"): number | null => {
  const questions = model.skills.reduce((sum, skill) => sum + skill.questions, 0);
  if (questions === 0 || model.skills.some((skill) => skill[of] === null)) return null;
  return model.skills.reduce((sum, skill) => sum + skill[of]! * skill.questions, 0) / questions;
};

const share = (value: number | null): string => (value === null ? "–" : percent(value));

const legend = (): Html =>
  html`<ul class="legend">${VIEWS.map(({ label, look }) => html`<li><i class="swatch v${look}"></i>${label}</li>`)}</ul>`;

/** Dots with intervals for every row and view, over all questions. */
export const accuracyPlot = (model: ReportModel): Html => {
  const rows = model.rows.map((row) => ({
    name: row.name,
    note: row.note,
    marks: VIEWS.flatMap(({ key, label, look }): IntervalMark[] => {
      const estimate = row[key]?.overall ?? null;
      return estimate === null
        ? []
        : [
            {
              look,
              estimate,
              label: percent(estimate.value),
              title: `${row.name}, ${label}: ${percent(estimate.value)} % (${percentRange(estimate)})`,
            },
          ];
    }),
  }));
  const references = (["chance", "majority"] as const).flatMap((name) => {
    const value = weighted(model, name);
    return value === null ? [] : [{ value, label: `${name} ${percent(value)}` }];
  });
  return html`${legend()}${intervalPlot({
    title: "Accuracy over all questions, per cent, with 95 % intervals",
    rows,
    references,
    format: (value) => `${Math.round(value * 100)} %`,
    span: [0, 0.6],
  })}`;
};

/** Sensitivity of every row that has one, against 0. */
export const sensitivityPlot = (model: ReportModel): Html =>
  intervalPlot({
    title: "Sensitivity in points with 95 % intervals",
    rows: model.rows.flatMap((row) => {
      const estimate = row.sensitivity?.overall ?? null;
      if (estimate === null) return [];
      const title = `${row.name}: ${points(estimate.value)} points (${pointsRange(estimate)})`;
      return [
        {
          name: row.name,
          note: "",
          marks: [{ look: 0 as const, estimate, label: points(estimate.value), title }],
        },
      ];
    }),
    references: [{ value: 0, label: "" }],
    format: (value) => points(value).replace(/\.0$/, ""),
    span: [-0.05, 0.1],
  });

const cell = (estimate: Estimate | null | undefined, best: boolean): Html =>
  estimate
    ? html`<td class="${best ? "best" : ""}"><b>${percent(estimate.value)}</b><small>${percentRange(estimate)}</small></td>`
    : html`<td class="muted">–</td>`;

const sensitivityCell = (estimate: Estimate | null | undefined): Html =>
  estimate
    ? html`<td class="${excludesZero(estimate) ? "firm" : "unsure"}"><b>${points(estimate.value)}</b><small>${pointsRange(estimate)}</small></td>`
    : html`<td class="muted">–</td>`;

/** Rows of one subject: its name, a line for each view that was measured, then the sensitivity. */
const subjectRows = (row: ResultRow, model: ReportModel, best: ReadonlyMap<string, number>): Html => {
  const skills = model.skills.map(({ name }) => name);
  const values = (estimates: SkillEstimates, complete: boolean): Html =>
    html`${cell(estimates.overall, complete && best.get("") === estimates.overall?.value)}${skills.map((skill) => cell(estimates.skills[skill], complete && best.get(skill) === estimates.skills[skill]?.value))}`;
  const views = VIEWS.filter(({ key }) => row[key] !== null).map(
    ({ key, label, look }) =>
      html`<tr><th scope="row"><i class="swatch v${look}"></i>${row.name === model.blindRow ? "no pictures" : label}</th>${values(row[key]!, key === "complete")}</tr>`,
  );
  const lost = row.sensitivity;
  return html`<tbody><tr class="subject"><th scope="rowgroup" colspan="${skills.length + 2}"><span>${row.name} <small class="muted">${row.note}</small></span></th></tr>${views}${
    lost !== null &&
    html`<tr class="sensitivity"><th scope="row">sensitivity</th>${sensitivityCell(lost.overall)}${skills.map((skill) => sensitivityCell(lost.skills[skill]))}</tr>`
  }</tbody>`;
};

/** The table of subjects and skills with 95 % intervals. */
export const resultTable = (model: ReportModel): Html => {
  const best = new Map<string, number>();
  for (const [skill, of] of [
    ["", (row: ResultRow) => row.complete.overall] as const,
    ...model.skills.map(({ name }) => [name, (row: ResultRow) => row.complete.skills[name] ?? null] as const),
  ])
    best.set(skill, Math.max(...model.rows.map((row) => of(row)?.value ?? Number.NEGATIVE_INFINITY)));
  return scrollBox(
    html`<table class="results"><thead>
<tr><th scope="row">Accuracy, per cent</th><th>all</th>${model.skills.map(({ label }) => html`<th>${label}</th>`)}</tr>
<tr class="blindly"><th scope="row">questions</th><td>${model.skills.reduce((sum, { questions }) => sum + questions, 0)}</td>${model.skills.map(({ questions }) => html`<td>${questions}</td>`)}</tr>
<tr class="blindly"><th scope="row">chance</th><td>${share(weighted(model, "chance"))}</td>${model.skills.map(({ chance }) => html`<td>${share(chance)}</td>`)}</tr>
${
  model.skills.some(({ majority }) => majority !== null) &&
  html`<tr class="blindly"><th scope="row">most frequent answer</th><td>${share(weighted(model, "majority"))}</td>${model.skills.map(({ majority }) => html`<td>${share(majority)}</td>`)}</tr>`
}
</thead>${model.rows.map((row) => subjectRows(row, model, best))}</table>`,
    "Accuracy by skill",
  );
};

const bareP = (p: number): string => pValue(p).replace(/^p =? ?/, "");

/** Paired differences as a table. */
export const differenceTable = (model: ReportModel): Html | null =>
  model.differences.length === 0
    ? null
    : scrollBox(
        html`<table class="comparisons"><thead><tr><th>Comparison on the same questions</th><th>difference, points</th><th>95 % interval</th><th>p, Holm</th><th>right in one only</th><th>McNemar, mid-p</th><th>visible from</th></tr></thead><tbody>${model.differences.map(
          ({ of, against, difference, adjustedP, disagreement, detectable }) =>
            html`<tr><th scope="row">${of} − ${against}</th><td class="${excludesZero(difference) ? "firm" : "unsure"}"><b>${points(difference.value)}</b></td><td>${pointsRange(difference)}</td><td>${bareP(adjustedP)}</td><td>${disagreement.onlyFirst} : ${disagreement.onlySecond}</td><td>${bareP(disagreement.midP)}</td><td>${percent(detectable)}</td></tr>`,
        )}</tbody></table>`,
        "Paired differences",
      );

/** A share in per cent, any other number as it is, with the metric's own digits. */
const metricCell = ({ value, unit, digits }: MetricScore): Html => {
  if (value === null) return html`<td class="muted">–</td>`;
  const text = (number: number): string => (unit === "share" ? number * 100 : number).toFixed(digits);
  const range = `${text(value.low)}–${text(value.high)}`;
  return html`<td><b>${text(value.value)}</b><small>${range}</small></td>`;
};

/** The benchmark's metrics on complete clips, one row a subject; null where none was computed. */
export const metricTable = (model: ReportModel): Html | null => {
  const rows = model.rows.filter(({ metrics }) => metrics.length > 0);
  const [first] = rows;
  if (first === undefined) return null;
  return scrollBox(
    html`<table class="metrics"><thead><tr><th>Metrics on complete clips, shares in per cent</th>${first.metrics.map(({ name, summary }) => html`<th title="${summary}">${name.replaceAll("-", " ")}</th>`)}</tr></thead><tbody>${rows.map(
      ({ name, metrics }) => html`<tr><th scope="row">${name}</th>${metrics.map(metricCell)}</tr>`,
    )}</tbody></table>`,
    "Metrics",
  );
};

/** Event questions alone, one row a subject; null where it is not known which these are. */
export const eventTable = ({ events }: ReportModel): Html | null =>
  !events
    ? null
    : scrollBox(
        html`<table class="results"><thead><tr><th>Event questions alone (${events.questions})</th><th>complete</th><th>absent twin</th><th>sensitivity, points</th></tr></thead><tbody>${events.rows.map(
          ({ name, complete, absent, sensitivity }) =>
            html`<tr><th scope="row">${name}</th>${cell(complete, false)}${cell(absent, false)}${sensitivityCell(sensitivity)}</tr>`,
        )}</tbody></table>`,
        "Event questions",
      );

/** What contrast did to held-out clips, one row a stage that was looked at; null where none was. */
export const contrastTable = ({ contrast = [] }: ReportModel): Html | null =>
  contrast.length === 0
    ? null
    : scrollBox(
        html`<table class="results"><thead><tr><th>Contrast on held-out clips</th><th>text nearer to the clip than to its twin</th><th>than to the control</th><th>difference, points</th><th>cos(clip, twin)</th><th>t2v, twin = clip</th></tr></thead><tbody>${contrast.map(
          ({ stage, isTrained, win, winFrozen, gap, gapError, cosine, t2vSame }) =>
            html`<tr><th scope="row">${stage}${!isTrained && " (not contrasted)"}</th><td>${percent(win)}</td><td>${percent(winFrozen)}</td><td>${points(gap)} ± ${percent(2 * gapError)}</td><td>${cosine.toFixed(3)}</td><td>${t2vSame.toFixed(4)}</td></tr>`,
        )}</tbody></table>`,
        "Contrast",
      );
