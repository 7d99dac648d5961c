import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { html, lineChart, pageDocument, scrollBox } from "videoperceiver";
import { readRun } from "videoperceiver/training";

/** A page of one's own over a run: every number that it logged, as curves and as a table. */
export const runPage = (folder: string): string => {
  const { metrics } = readRun(folder);
  const names = [...new Set(metrics.flatMap(Object.keys))].filter(
    (name) => name !== "step" && name !== "timeSeconds",
  );
  const curves = names.map((name) => ({
    title: name,
    xLabel: "step",
    yLabel: "",
    series: [
      {
        name,
        points: metrics.flatMap((row) => (row[name] === undefined ? [] : [[row.step, row[name]] as const])),
      },
    ],
  }));
  const rows = metrics.map(
    (row) =>
      html`<tr><th scope="row">${row.step}</th>${names.map((name) => html`<td>${row[name] ?? "–"}</td>`)}</tr>`,
  );
  const body = html`<h1>Everything that was logged</h1><div class="grid-charts">${curves.map(lineChart)}</div>
<div class="card">${scrollBox(html`<table><thead><tr><th>step</th>${names.map((name) => html`<th>${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`, "Logged values")}</div>`;
  const file = join(folder, "everything.html");
  writeFileSync(file, pageDocument({ title: "Everything that was logged", body }));
  return file;
};
