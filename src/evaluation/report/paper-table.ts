import { type Html, html } from "../../core/html.ts";
import { percent, percentRange } from "../../pages/format.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import type { TableGroup } from "../benchmarks.ts";
import type { Estimate } from "../statistics/estimate.ts";
import type { BreakdownLine, ReportModel, ReportSkill, ResultRow } from "./model.ts";

const words = (name: string): string => name.replaceAll("-", " ");

const estimateCell = (estimate: Estimate | null | undefined): Html =>
  estimate
    ? html`<td><b>${percent(estimate.value)}</b><small>${percentRange(estimate)}</small></td>`
    : html`<td class="muted">–</td>`;

const shareCell = (share: number | null | undefined): Html =>
  html`<td>${share === null || share === undefined ? "–" : percent(share)}</td>`;

/** The mean of the chances of the skills that were asked; null where one has none. */
const meanOfChances = (skills: readonly (ReportSkill | undefined)[]): number | null => {
  const chances = skills.flatMap((skill) => (skill === undefined ? [] : [skill.chance]));
  if (chances.length === 0 || chances.includes(null)) return null;
  return chances.reduce<number>((sum, chance) => sum + chance!, 0) / chances.length;
};

const metricOf = (row: ResultRow, name: string): Estimate | null =>
  row.metrics.find((metric) => metric.name === name)?.value ?? null;

const subjectLine = (row: ResultRow, table: readonly TableGroup[]): Html =>
  html`<tr><th scope="row">${row.name}</th>${table.map(
    ({ skills, mean }) =>
      html`${skills.map((skill) => estimateCell(row.complete.skills[skill]))}${estimateCell(metricOf(row, mean))}`,
  )}${estimateCell(metricOf(row, "parse-fail-rate"))}</tr>`;

/** The table of the benchmark's paper: groups of skills with their plain means, chance in front; null: it has none. */
export const paperTable = (model: ReportModel): Html | null => {
  const { table, rows } = model;
  if (table === undefined) return null;
  const known = new Map(model.skills.map((skill) => [skill.name, skill]));
  return scrollBox(
    html`<table class="results paper"><thead>
<tr><th scope="row" rowspan="2">Accuracy, per cent</th>${table.map(({ label, skills }) => html`<th scope="colgroup" colspan="${skills.length + 1}">${label} tasks</th>`)}<th rowspan="2">unread answers</th></tr>
<tr>${table.map(({ skills }) => html`${skills.map((skill) => html`<th>${words(skill)}</th>`)}<th>mean</th>`)}</tr>
</thead><tbody>
<tr class="blindly"><th scope="row">questions</th>${table.map(({ skills }) => html`${skills.map((skill) => html`<td>${known.get(skill)?.questions ?? 0}</td>`)}<td></td>`)}<td></td></tr>
<tr class="blindly"><th scope="row">chance</th>${table.map(({ skills }) => html`${skills.map((skill) => shareCell(known.get(skill)?.chance))}${shareCell(meanOfChances(skills.map((skill) => known.get(skill))))}`)}<td></td></tr>
${rows.map((row) => subjectLine(row, table))}</tbody></table>`,
    "The benchmark’s own table",
  );
};

const breakdownRow = (
  { value, skill, questions, chance, rows }: BreakdownLine,
  names: readonly string[],
): Html =>
  html`<tr><th scope="row">${words(skill)}, ${words(value)}</th><td>${questions}</td>${shareCell(chance)}${names.map((name) => estimateCell(rows[name]))}</tr>`;

/** Accuracy by what the questions are grouped by, a table a group; null where they are not. */
export const breakdownTables = ({ breakdown = [], rows }: ReportModel): Html | null => {
  if (breakdown.length === 0) return null;
  const names = rows.map(({ name }) => name);
  return html`${[...Map.groupBy(breakdown, ({ group }) => group)].map(
    ([group, lines]) =>
      html`<div class="card">${scrollBox(
        html`<table class="results"><thead><tr><th scope="row">Accuracy by ${words(group)}, per cent</th><th>questions</th><th>chance</th>${names.map((name) => html`<th>${name}</th>`)}</tr></thead><tbody>${lines.map((line) => breakdownRow(line, names))}</tbody></table>`,
        `Accuracy by ${group}`,
      )}</div>`,
  )}`;
};
