import { type Html, html } from "../../core/html.ts";
import type { SeedEffect } from "../../evaluation/statistics/seeds.ts";
import { pageDocument } from "../../pages/document.ts";
import { percent, percentRange, points, pointsRange } from "../../pages/format.ts";
import { type IntervalRow, intervalPlot } from "../../pages/interval-plot.ts";
import { type Curve, lineChart } from "../../pages/line-chart.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import { type StudyFinding, studyFindings } from "./findings.ts";
import { type ReproResults, rolloutNames } from "./results.ts";

const style = `
.findings { list-style: none; margin: 28px 0 0; padding: 0; display: grid; gap: 10px; }
.findings li { padding: 12px 16px; border-radius: 12px; background: var(--card); border: 1px solid var(--line); }
.findings strong { display: block; }
.findings p { margin: 2px 0 0; color: var(--soft); font-variant-numeric: tabular-nums; }
.findings .yes { border-left: 4px solid var(--yes); }
.findings .no { border-left: 4px solid var(--no); }
.findings .open { border-left: 4px solid var(--open); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 12px 4px 0; vertical-align: top; }
td small { display: block; color: var(--soft); }
`;

/** Sensitivity and gaps are differences; they are written in points. */
const isDifference = (key: string): boolean => key === "winGap" || key === "sensitivity";

const shown = (effect: SeedEffect | null | undefined, asPoints: boolean): { value: string; range: string } =>
  !effect
    ? { value: "–", range: "" }
    : asPoints
      ? { value: points(effect.value), range: pointsRange(effect) }
      : { value: percent(effect.value), range: percentRange(effect) };

const cell = (effect: SeedEffect | null | undefined, asPoints: boolean): Html => {
  const { value, range } = shown(effect, asPoints);
  return html`<td><b>${value}</b><small>${range}</small></td>`;
};

const measured = ({ arms }: ReproResults): ReproResults["arms"] =>
  arms.filter(({ seeds }) => seeds.length > 0);

const plotOf = (results: ReproResults, { key, title, what }: ReproResults["endpoints"][number]): Html => {
  const rows = measured(results).flatMap(({ title: name, endpoints, seeds }): IntervalRow[] => {
    const estimate = endpoints[key];
    if (!estimate) return [];
    const { value, range } = shown(estimate, isDifference(key));
    const note = `${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"}`;
    return [
      { name, note, marks: [{ look: 0, estimate, label: value, title: `${name}: ${value} (${range})` }] },
    ];
  });
  const format = (value: number): string =>
    isDifference(key) ? points(value).replace(/\.0$/, "") : `${Math.round(100 * value)} %`;
  const span: [number, number] = isDifference(key) ? [-0.05, 0.1] : [0, 0.6];
  return html`<h3>${title}</h3><p class="muted">${what}</p><div class="card">${intervalPlot({ title, rows, references: isDifference(key) ? [{ value: 0, label: "" }] : [], format, span })}</div>`;
};

const armTable = (results: ReproResults): Html =>
  scrollBox(
    html`<table><thead><tr><th>Arm</th>${results.endpoints.map(({ title }) => html`<th>${title}</th>`)}<th>steps</th><th>minutes</th></tr></thead><tbody>${measured(
      results,
    ).map(
      ({ title, what, endpoints, steps, seconds }) =>
        html`<tr><th scope="row">${title}<small class="muted"> ${what}</small></th>${results.endpoints.map(({ key }) => cell(endpoints[key], isDifference(key)))}<td>${steps}</td><td>${(seconds / 60).toFixed(1)}</td></tr>`,
    )}</tbody></table>`,
    "Arms",
  );

const titles = (results: ReproResults): ReadonlyMap<string, string> =>
  new Map(results.arms.map(({ arm, title }) => [arm, title]));

const comparisonTable = (results: ReproResults): Html => {
  const named = titles(results);
  const rows = results.comparisons.filter(({ endpoints }) => Object.values(endpoints).some((one) => one));
  return scrollBox(
    html`<table><thead><tr><th>Difference, points</th>${results.endpoints.map(({ title }) => html`<th>${title}</th>`)}</tr></thead><tbody>${rows.map(
      ({ of, against, endpoints }) =>
        html`<tr><th scope="row">${named.get(of) ?? of} − ${named.get(against) ?? against}</th>${results.endpoints.map(({ key }) => cell(endpoints[key], true))}</tr>`,
    )}</tbody></table>`,
    "Paired differences",
  );
};

const reinforcementTitles: Readonly<Record<(typeof rolloutNames)[number], string>> = {
  quality: "right on the clip",
  qualityAbsent: "right on what is compared",
  comparison: "difference",
  sameQualityShare: "groups of one quality",
  zeroVarianceShare: "groups of one base reward",
  positiveShare: "advantages above 0",
  negativeShare: "below 0",
  entropy: "entropy, nats",
};

const quartersOf = (metrics: ReproResults["reinforcement"][number]["metrics"]): readonly string[] =>
  rolloutNames.map((name) => {
    const own = metrics[name];
    return own === undefined ? "–" : `${own.first.toFixed(3)} → ${own.last.toFixed(3)}`;
  });

const reinforcementTable = (results: ReproResults): Html => {
  const named = titles(results);
  return scrollBox(
    html`<table><thead><tr><th>Arm</th>${rolloutNames.map((name) => html`<th>${reinforcementTitles[name]}</th>`)}</tr></thead><tbody>${results.reinforcement.map(
      ({ arm, metrics }) =>
        html`<tr><th scope="row">${named.get(arm) ?? arm}</th>${quartersOf(metrics).map((text) => html`<td>${text}</td>`)}</tr>`,
    )}</tbody></table>`,
    "Roll-outs",
  );
};

const paperTable = ({ paper, arms }: ReproResults): Html => {
  const ours = new Map(arms.map((one) => [one.arm, one]));
  return scrollBox(
    html`<table><thead><tr><th>${paper.title}</th>${paper.columns.map((title) => html`<th>${title}</th>`)}<th>ours: arm</th><th>event questions, per cent</th></tr></thead><tbody>${paper.rows.map(
      ({ arm, title, values }) => {
        const own = arm === null ? undefined : ours.get(arm);
        return html`<tr><th scope="row">${title}</th>${values.map((value) => html`<td>${value}</td>`)}<td>${own?.title ?? "–"}</td>${cell(own?.endpoints["eventAccuracy"], false)}</tr>`;
      },
    )}</tbody></table>`,
    "The paper's table",
  );
};

/** Size, seeds and time in words. */
export const scaleLine = ({ scale, trainingSeconds, missing, arms }: ReproResults): string => {
  const seeds = new Set(arms.flatMap((one) => one.seeds)).size;
  const isReinforced = scale.rlShare > 0;
  const forReinforcement = isReinforced ? ` (${Math.round(100 * scale.rlShare)} % of them for RL alone)` : "";
  return (
    `${scale.trainClips.toLocaleString("en-US")} training clips${forReinforcement}, ` +
    `${scale.testClips.toLocaleString("en-US")} held out, ${scale.baseSteps.toLocaleString("en-US")} steps of the base, ` +
    `${scale.forkSteps} of a fork (${scale.clipsPerStep} clips each)${isReinforced ? `, ${scale.grpoSteps} of RL` : ""}; ` +
    `${seeds} of ${scale.seedsAsked} seeds; ` +
    `${(trainingSeconds / 60).toFixed(1)} minutes of training on ${scale.threads} ${scale.threads === 1 ? "thread" : "threads"}` +
    (missing.length === 0 ? "" : `; ${missing.length} parts are still to do`)
  );
};

const findingItem = ({ outcome, headline, detail }: StudyFinding): Html =>
  html`<li class="${outcome}"><strong>${headline}</strong><p>${detail}</p></li>`;

/** The study as one self-contained page. */
export const studyPage = (results: ReproResults, curves: readonly Curve[]): string => {
  const body = html`<header><span class="over">VideoPerceiver, ${results.study}</span><h1>${results.question}</h1><p class="lead">${scaleLine(results)}</p>
<ul class="findings">${studyFindings(results).map(findingItem)}</ul></header>
<section><h2>Arms</h2><p class="muted">Means over seeds with 95 % intervals: clips are clusters within a seed, seeds a random effect.</p>${results.endpoints.map((endpoint) => plotOf(results, endpoint))}${armTable(results)}</section>
<section><h2>Differences</h2><p class="muted">Paired by question or clip within a seed; arms share their base and their data.</p>${comparisonTable(results)}</section>
${results.reinforcement.length > 0 && html`<section><h2>Roll-outs</h2><p class="muted">Of first completions, before any refeed: means over the first and the last quarter of the steps.</p>${reinforcementTable(results)}</section>`}
<section><h2>Beside the paper</h2><p class="muted">Other models, other data, other questions: only the direction can be compared.</p>${paperTable(results)}</section>
${curves.length > 0 && html`<section><h2>Training</h2><div class="grid-charts">${curves.map(lineChart)}</div></section>`}`;
  return pageDocument({ title: `VideoPerceiver: ${results.study}`, body, style });
};

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const rule = (count: number): string => row(new Array<string>(count).fill("---"));
const written = (effect: SeedEffect | null | undefined, asPoints: boolean): string => {
  const { value, range } = shown(effect, asPoints);
  return range === "" ? value : `${value} (${range})`;
};

const reinforcementMarkdown = (results: ReproResults): readonly string[] => {
  const named = titles(results);
  return [
    "## Roll-outs, first quarter of the steps and last",
    [
      row(["arm", ...rolloutNames.map((name) => reinforcementTitles[name])]),
      rule(rolloutNames.length + 1),
      ...results.reinforcement.map(({ arm, metrics }) =>
        row([named.get(arm) ?? arm, ...quartersOf(metrics)]),
      ),
    ].join("\n"),
  ];
};

/** The study's tables as Markdown. */
export const studyMarkdown = (results: ReproResults): string => {
  const named = titles(results);
  const columns = results.endpoints.map(({ title }) => title);
  const differences = results.comparisons.filter(({ endpoints }) =>
    Object.values(endpoints).some((one) => one),
  );
  return [
    `# ${results.study}: ${results.question}`,
    `${scaleLine(results)}. Means over seeds with 95 % intervals, per cent or points: clips are clusters within a seed, seeds a random effect.`,
    studyFindings(results)
      .map(({ outcome, headline, detail }) => `- **${outcome}**: ${headline} ${detail}`)
      .join("\n"),
    "## Arms",
    [
      row(["arm", ...columns, "steps", "seeds"]),
      rule(columns.length + 3),
      ...measured(results).map(({ title, endpoints, steps, seeds }) =>
        row([
          title,
          ...results.endpoints.map(({ key }) => written(endpoints[key], isDifference(key))),
          String(steps),
          seeds.join(", "),
        ]),
      ),
    ].join("\n"),
    "## Paired differences, points",
    [
      row(["difference", ...columns]),
      rule(columns.length + 1),
      ...differences.map(({ of, against, endpoints }) =>
        row([
          `${named.get(of) ?? of} − ${named.get(against) ?? against}`,
          ...results.endpoints.map(({ key }) => written(endpoints[key], true)),
        ]),
      ),
    ].join("\n"),
    ...(results.reinforcement.length === 0 ? [] : reinforcementMarkdown(results)),
    `## ${results.paper.title}`,
    [
      row(["variant", ...results.paper.columns, "our arm", "event questions"]),
      rule(results.paper.columns.length + 3),
      ...results.paper.rows.map(({ arm, title, values }) => {
        const own = results.arms.find((one) => one.arm === arm);
        return row([title, ...values, own?.title ?? "–", written(own?.endpoints["eventAccuracy"], false)]);
      }),
    ].join("\n"),
    "",
  ].join("\n\n");
};
