import { type Html, html } from "../../core/html.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import type { ReportProvenance, ReportSetting } from "./model.ts";

const origins: Readonly<Record<ReportSetting["origin"], string>> = {
  paper: "the paper's",
  reconstructed: "reconstructed",
  ours: "our default",
  run: "this run",
};

const list = (
  title: string,
  rows: readonly { readonly name: string; readonly value: string }[],
): Html | null =>
  rows.length === 0
    ? null
    : html`<section class="facts"><h3>${title}</h3><dl>${rows.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;

const leftOutTable = (leftOut: ReportProvenance["leftOut"]): Html =>
  leftOut.length === 0
    ? html`<p>Nothing was dropped.</p>`
    : scrollBox(
        html`<table><thead><tr><th>what</th><th>how many</th><th>why</th></tr></thead><tbody>${leftOut.map(({ what, count, reason }) => html`<tr><th scope="row">${what}</th><td>${count}</td><td class="text">${reason}</td></tr>`)}</tbody></table>`,
        "What was left out",
      );

const settingsTable = (settings: readonly ReportSetting[]): Html =>
  scrollBox(
    html`<table><thead><tr><th>value</th><th>set to</th><th>stage</th><th>set by</th><th>meaning</th></tr></thead><tbody>${settings.map(({ stage, name, value, origin, what }) => html`<tr><th scope="row">${name}</th><td>${value}</td><td>${stage}</td><td><span class="chip ${origin}">${origins[origin]}</span></td><td class="text">${what}</td></tr>`)}</tbody></table>`,
    "Values and who set them",
  );

/** Seeds, values and their origins, what was left out, versions, machine, configuration and the command. */
export const provenanceSection = (provenance: ReportProvenance): Html => {
  const { facts, settings, leftOut, versions, machine, configuration, command } = provenance;
  return html`<div class="columns">${list("Run", facts)}${list("Versions", versions)}${list("Machine", machine)}</div>
<h3>Left out</h3>
${leftOutTable(leftOut)}
${settings.length > 0 && html`<h3>Values and who set them</h3>${settingsTable(settings)}`}
<h3>Again</h3><pre>${command}</pre>
<details><summary>Complete configuration</summary><pre>${JSON.stringify(configuration, null, 2) ?? "null"}</pre></details>`;
};
