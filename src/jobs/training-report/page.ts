import { basename } from "node:path";
import { type Html, html } from "../../core/html.ts";
import { pageDocument } from "../../pages/document.ts";
import { compactNumber } from "../../pages/format.ts";
import { lineChart } from "../../pages/line-chart.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import { bestCheckpoint } from "../../runs/checkpoints.ts";
import type { StoredRun } from "../../runs/read-run.ts";
import type { AnswerRecord, RolloutRecord } from "../../runs/run-folder.ts";
import { blindness, type PictureLooks } from "../../training/picture-check.ts";
import { aboutTime } from "../timetable.ts";
import { trainingCurves } from "./curves.ts";
import { answerSection, rolloutSection } from "./samples.ts";

/** A run as it stands on disk: all that its page is made of. */
export interface TrainedRun {
  readonly run: StoredRun;
  readonly answers: readonly AnswerRecord[];
  readonly rollouts: readonly RolloutRecord[];
  readonly environment: Readonly<Record<string, string>>;
  /** Why it stopped at a step that went wrong; undefined: it did not. */
  readonly failure: string | undefined;
}

const style = `
.findings { list-style: none; margin: 28px 0 0; padding: 0; display: grid; gap: 10px; }
.findings li { padding: 12px 16px; border-radius: 12px; background: var(--card); border: 1px solid var(--line); }
.findings strong { display: block; }
.findings p { margin: 2px 0 0; color: var(--soft); overflow-wrap: anywhere; }
.findings .yes { border-left: 4px solid var(--yes); }
.findings .no { border-left: 4px solid var(--no); }
.findings .open { border-left: 4px solid var(--open); }
.card h3 { margin-top: 0; }
.card .columns ~ h3, .card .facts + .facts h3 { margin-top: 22px; }
h4 { font-size: 13px; margin: 12px 0 4px; }
.said { list-style: none; margin: 0; padding: 0; font-size: 13.5px; }
.said li { display: grid; grid-template-columns: minmax(84px, 26%) 1fr; gap: 12px; padding: 4px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.said .at { color: var(--soft); font-variant-numeric: tabular-nums; }
.grade { font-size: 12px; font-weight: 600; margin-left: 6px; }
.grade.yes { color: var(--yes); }
.grade.no { color: var(--no); }
`;

interface Finding {
  readonly outcome: "yes" | "no" | "open";
  readonly headline: string;
  readonly detail: string;
}

const newest = ({ metrics }: StoredRun, name: string) => metrics.findLast((row) => row[name] !== undefined);

/** Whether the model looks, by the newest look. */
const lookFinding = (run: StoredRun): Finding[] => {
  const row = newest(run, "looks/clip");
  if (row === undefined)
    return [
      {
        outcome: "open",
        headline: "Nobody looked whether the pictures reach the model",
        detail: "No held-out clips were given, or no looks asked for (watch.validateEvery).",
      },
    ];
  const looks = row as unknown as PictureLooks;
  const { "looks/clip": clip, "looks/hidden": hidden, "looks/other": other } = looks;
  const blind = blindness(looks);
  const gain = clip - (other ?? hidden);
  const detail = `At step ${row.step} a token of the reference answers has ${compactNumber(clip)} nats with the clip, ${compactNumber(hidden)} with hidden pictures${other === undefined ? "" : `, ${compactNumber(other)} with another clip's`}.`;
  if (blind !== undefined)
    return [
      { outcome: "no", headline: "The pictures do not reach the model", detail: `${detail} ${blind}.` },
    ];
  return gain > 0
    ? [{ outcome: "yes", headline: "The answers depend on the pictures", detail }]
    : [
        {
          outcome: "open",
          headline: "The pictures arrive, but the own clip does not make its answers more probable",
          detail,
        },
      ];
};

/** Whether the answers need the decisive frames, by the newest look that asked about the twin. */
const answerFinding = (run: StoredRun): Finding[] => {
  const name = ["validation/accuracy", "validation/rougeL"].find(
    (one) => newest(run, `${one}/absent`) !== undefined,
  );
  if (name === undefined) return [];
  const row = newest(run, `${name}/absent`)!;
  const [clip, absent, control] = ["clip", "absent", "control"].map((version) => row[`${name}/${version}`]);
  const what = name.endsWith("accuracy") ? "accuracy" : "ROUGE-L";
  const beside = control === undefined ? "" : `, ${compactNumber(control)} with as many other frames removed`;
  const detail = `At step ${row.step} ${what} on held-out questions is ${compactNumber(clip!)} with the clip, ${compactNumber(absent!)} with its absent twin${beside}.`;
  const isWorse = absent! < Math.min(clip!, control ?? clip!);
  if (isWorse && control === undefined)
    return [
      {
        outcome: "open",
        headline:
          "Without the decisive frames the answers are worse; no control says whether without others too",
        detail,
      },
    ];
  return [
    isWorse
      ? { outcome: "yes", headline: "Without the decisive frames the answers are worse", detail }
      : { outcome: "open", headline: "The answers do not need the decisive frames more than others", detail },
  ];
};

const bestFinding = (run: StoredRun): Finding[] => {
  const best = bestCheckpoint(run.checkpoints.complete);
  if (best === undefined) return [];
  const newestOne = run.checkpoints.complete.at(-1)!;
  const isNewest = best.step === newestOne.step;
  return [
    {
      outcome: isNewest ? "yes" : "open",
      headline: `The best checkpoint is that of step ${best.step}`,
      detail: isNewest
        ? "It is the newest as well."
        : `The newest, of step ${newestOne.step}, does no better on held-out samples.`,
    },
  ];
};

/** What each control takes away, so that what it gains was not learnt from that. */
const controlSentences: Readonly<Record<string, string>> = {
  "twin-is-clip": "The clip itself stood in the twin's place: there was nothing to compare.",
  "random-freeze": "Other frames than the decisive ones were frozen in the twin's place.",
  "instruction-only": "Both sides showed the clip, one of them with the refeed's instruction.",
  "shuffled-rewards": "Rewards and comparisons were dealt out to the step's completions at random.",
};

/** The control that a run was trained under, by its configuration: a command's settings, or a loop's options. */
const controlOf = (config: unknown): string => {
  const { settings, options, control } = (config ?? {}) as Record<string, unknown>;
  const own = [
    control,
    ...[settings, options].map((one) => (one as typeof config & { control?: unknown })?.control),
  ];
  return String(own.find((one) => typeof one === "string") ?? "none");
};

/** A run under a control is no result of its own: said before everything else. */
const controlFinding = ({ config }: StoredRun): Finding[] => {
  const control = controlOf(config);
  if (control === "none") return [];
  return [
    {
      outcome: "open",
      headline: `This run is a control: ${control}`,
      detail:
        `${controlSentences[control] ?? ""} What the real run gains beyond this one is what it learnt by looking.`.trim(),
    },
  ];
};

const findingsOf = ({ run, failure }: TrainedRun): Finding[] => [
  ...(failure === undefined
    ? []
    : [{ outcome: "no", headline: "The run stopped at a step that went wrong", detail: failure } as const]),
  ...controlFinding(run),
  ...lookFinding(run),
  ...answerFinding(run),
  ...bestFinding(run),
];

const factList = (title: string, facts: readonly (readonly [string, string])[]): Html =>
  html`<section class="facts"><h3>${title}</h3><dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;

const lastNumbers = ({ metrics }: StoredRun): [string, string][] => {
  const last: Readonly<Record<string, number>> = metrics.at(-1) ?? {};
  return Object.entries(last)
    .filter(([name]) => name !== "step" && name !== "timeSeconds")
    .map(([name, value]) => [name, compactNumber(value)]);
};

const checkpointTable = ({ checkpoints }: StoredRun): Html =>
  scrollBox(
    html`<table><thead><tr><th>step</th><th>on held-out samples (lower is better)</th></tr></thead><tbody>${checkpoints.complete.map(({ step, score }) => html`<tr><th scope="row">${step}</th><td>${score === undefined ? "–" : compactNumber(score)}</td></tr>`)}</tbody></table>`,
    "Checkpoints",
  );

/** One self-contained HTML file. All text is escaped; the findings' sentences are computed from the numbers. */
export const renderTraining = (trained: TrainedRun): string => {
  const { run, answers, rollouts, environment } = trained;
  const curves = trainingCurves(run);
  const title = basename(run.folder);
  const last = run.metrics.at(-1);
  const lead =
    last === undefined
      ? "Nothing was logged yet."
      : `${last.step} steps in ${aboutTime(Number.isFinite(last.timeSeconds) ? last.timeSeconds : 0)} of work.`;
  const answered = answerSection(answers);
  const rolled = rolloutSection(rollouts);
  const links = [
    ...(answered === null ? [] : [["answers", "Answers"]]),
    ...(rolled === null ? [] : [["rollouts", "Completions"]]),
    ["provenance", "Provenance"],
  ] as const;
  const body = html`<header><span class="over">VideoPerceiver training</span><h1>${title}</h1><p class="lead">${lead}</p>
<ul class="findings">${findingsOf(trained).map(({ outcome, headline, detail }) => html`<li class="${outcome}"><strong>${headline}</strong><p>${detail}</p></li>`)}</ul>
<nav aria-label="Sections"><a href="#curves">Curves</a>${links.map(([id, name]) => html`<a href="${`#${id!}`}">${name!}</a>`)}</nav></header>

<section id="curves"><h2>Curves</h2><p class="muted">Point at a curve, or focus it and use the arrow keys, to read its values.</p>
<div class="grid-charts">${curves.map(lineChart)}</div></section>

${answered}
${rolled}
<section id="provenance"><h2>Provenance</h2><div class="card">
<div class="columns">${factList("Last step", lastNumbers(run))}${factList("Computed with", Object.entries(environment))}</div>
<h3>Checkpoints</h3>${checkpointTable(run)}
<details><summary>Complete configuration</summary><pre>${JSON.stringify(run.config, null, 2) ?? "null"}</pre></details></div></section>
<footer>Made by VideoPerceiver from the run's records. This file is complete in itself and loads nothing.</footer>`;
  return pageDocument({ title: `Training: ${title}`, body, style });
};
