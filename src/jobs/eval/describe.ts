import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { z } from "zod";
import { isoTime } from "../../core/clock.ts";
import { readJsonFile, writeFileAtomic } from "../../core/files.ts";
import type { Made } from "../../core/registry.ts";
import type { EvaluationResult } from "../../evaluation/evaluate.ts";
import type { Intervention } from "../../evaluation/interventions.ts";
import { recipeText } from "../../evaluation/records.ts";
import {
  type EvaluatedRun,
  evaluatedRunFiles,
  evaluatedRunSchema,
  type ReportedRow,
  type RunJournal,
} from "../../evaluation/report/description.ts";
import type { OpenedSubject } from "../../evaluation/subject.ts";
import { machineFacts } from "../machine-facts.ts";
import type { AskedQuestions } from "./questions.ts";
import { type EvalRequest, evalCommand } from "./request.ts";
import type { ShownQuestions } from "./show.ts";

const builtIn = new Set(["complete", "absent", "random-removal"]);

const names = z.array(z.string()).catch([]);

/**
 * Metrics and scorers of a call together with those of earlier calls in its folder: they read answers and change no
 * question, so a finished run can be given more of them. Earlier scorers are not asked again: records hold what they said.
 */
export const withEarlierComputed = (
  { out, metrics, scorers }: Pick<EvalRequest, "out" | "metrics" | "scorers">,
  scorerMetrics: readonly string[],
): Pick<EvalRequest, "metrics" | "scorers"> => {
  const file = join(out, evaluatedRunFiles.config);
  const run = existsSync(file)
    ? (readJsonFile(file) as { readonly configuration?: Record<string, unknown> })
    : {};
  const { configuration } = run;
  const earlier = names.parse(configuration?.["metrics"]).filter((name) => !scorerMetrics.includes(name));
  return {
    metrics: [...new Set([...metrics, ...earlier])],
    scorers: [...new Set([...names.parse(configuration?.["scorers"]), ...scorers])],
  };
};

/** What was asked, as the run that a report is made of: one row for the subject, one for every other view. */
export const describeEval = (
  request: EvalRequest,
  { benchmark, split, contentHash }: AskedQuestions,
  { name: subject, recipe }: Pick<OpenedSubject, "name" | "recipe">,
  interventions: readonly Made<Intervention>[],
  scorerMetrics: readonly string[],
): EvaluatedRun => {
  const names = interventions.map(({ recipe }) => recipe.name);
  const isAlone = (name: string): boolean => names.filter((one) => one === name).length === 1;
  const bare = { subject, absent: null, control: null, stage: null };
  const further = interventions
    .filter(({ recipe }) => !builtIn.has(recipe.name))
    .map(({ recipe }, at): ReportedRow => {
      const text = recipeText(recipe);
      const label = isAlone(recipe.name)
        ? recipe.name
        : request.interventions.filter((one) => !builtIn.has(one))[at]!;
      return { ...bare, name: `${subject}, ${label}`, complete: text };
    });
  const main: ReportedRow = {
    ...bare,
    name: subject,
    complete: "complete",
    absent: names.includes("absent") ? "absent" : null,
    control: names.includes("random-removal") ? "random-removal" : null,
  };
  const blind = further.find(({ complete }) => complete.startsWith("blind"));
  const { out: _, retryFailed: __, engine: ___, clips: ____, ...decisive } = request;
  const dataFolder = existsSync(join(request.benchmark, "dataset.json")) ? request.benchmark : request.data;
  const hasData = existsSync(join(dataFolder, "dataset.json"));
  return {
    schema: evaluatedRunSchema,
    title: `${subject} on ${benchmark.recipe.name}`,
    summary: `${subject} asked about the clips of ${benchmark.recipe.name}${split === null ? "" : `, part "${split}"`}, ${request.mode} scoring.`,
    command: evalCommand(request),
    seed: request.seed,
    scoring: request.mode,
    data: hasData ? relative(request.out, resolve(dataFolder)) : null,
    pairs: null,
    stages: [],
    rows: [...(blind === undefined ? [] : [blind]), main, ...further.filter((row) => row !== blind)],
    mainRow: subject,
    blindRow: blind?.name ?? null,
    comparisons: further.map(({ name }) => [subject, name]),
    configuration: {
      ...decisive,
      metrics: [...request.metrics, ...scorerMetrics],
      annotationHash: contentHash,
      ...(recipe !== undefined && { subjectRecipe: recipe }),
      clips: relative(request.out, resolve(dataFolder)),
    },
  };
};

/** What happened, and cannot be had from records. */
export const evalJournal = (
  { notApplicable, records }: EvaluationResult,
  { faults }: ShownQuestions,
  { irregular, leftOut }: AskedQuestions,
  spent: { readonly seconds: number; readonly asked: number },
): RunJournal => {
  const views = new Map<string, number>();
  for (const { intervention } of notApplicable) views.set(intervention, (views.get(intervention) ?? 0) + 1);
  const sum = (of: "promptTokens" | "completionTokens" | "cost"): number =>
    records.reduce((total, { usage }) => total + (usage?.[of] ?? 0), 0);
  const retried = records.filter(({ attempts }) => attempts > 1).length;
  return {
    schema: evaluatedRunSchema,
    endedAt: isoTime(),
    seconds: [{ name: "asking", value: spent.seconds }],
    leftOut: [
      ...faults.map(({ file, reason }) => ({ what: file, count: 1, reason })),
      ...[...views].map(([what, count]) => ({
        what: `questions shown as "${what}"`,
        count,
        reason: "cannot be shown so",
      })),
      ...irregular.map(({ what, ids }) => ({
        what: "odd annotations (scored all the same)",
        count: ids.length,
        reason: what,
      })),
      ...(leftOut === 0 ? [] : [{ what: "questions", count: leftOut, reason: "--limit" }]),
    ],
    facts: [
      { name: "answers", value: `${records.length}, of which ${spent.asked} in the last call` },
      { name: "asked more than once", value: String(retried) },
      ...(sum("promptTokens") === 0
        ? []
        : [
            {
              name: "tokens",
              value: `${sum("promptTokens").toLocaleString("en-US")} in, ${sum("completionTokens").toLocaleString("en-US")} out`,
            },
          ]),
      ...(sum("cost") === 0 ? [] : [{ name: "cost", value: sum("cost").toFixed(4) }]),
    ],
    versions: [{ name: "node", value: process.version }],
    machine: machineFacts(),
  };
};

/** Writes `journal.json` of a run. */
export const writeEvalJournal = (folder: string, journal: RunJournal): void =>
  writeFileAtomic(join(folder, evaluatedRunFiles.journal), `${JSON.stringify(journal, null, 2)}\n`);
