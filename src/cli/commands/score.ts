import { resolve } from "node:path";
import { Option } from "commander";
import { benchmarkRegistry } from "../../evaluation/benchmarks.ts";
import { metricRegistry } from "../../evaluation/metrics.ts";
import type { MetricScore, ViewScore } from "../../evaluation/score.ts";
import { scorerRegistry } from "../../evaluation/scorer.ts";
import type { Estimate } from "../../evaluation/statistics/estimate.ts";
import { type ScoreResult, type ScoringRequest, score } from "../../jobs/score.ts";
import { writeScore } from "../../jobs/write-score.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { repeated } from "../eval-options.ts";
import { metricText, percentOf, withInterval } from "../metric-text.ts";

/** A number and the ids behind it, the first few by name. */
const named = (ids: readonly string[], what: string): string => {
  const more = ids.length > 5 ? `, and ${ids.length - 5} more` : "";
  return `${what} ${ids.length}${ids.length === 0 ? "" : `: ${ids.slice(0, 5).join(", ")}${more}`}`;
};

const table = ({ skills, accuracy, chance, metrics }: ViewScore): string[] => {
  const width = Math.max(12, ...skills.map(({ skill }) => skill.length));
  const isAccuracy = skills.every(({ headline }) => headline === null);
  const row = (name: string, of: Estimate, headline: MetricScore | null, guess: number | null): string =>
    `  ${name.padEnd(width)}  ${(headline === null ? withInterval(of) : metricText(headline)).padEnd(20)} ${percentOf(guess).padStart(7)} ${String(of.questions).padStart(10)}`;
  return [
    `  ${"skill".padEnd(width)}  ${(isAccuracy ? "accuracy" : metrics[0]!.name).padEnd(20)} ${"chance".padStart(7)} ${"questions".padStart(10)}`,
    ...(skills.length === 1 && skills[0]!.skill === "all" ? [] : skills).map((skill) =>
      row(skill.skill, skill.accuracy, skill.headline, skill.chance),
    ),
    row("all", accuracy, isAccuracy ? null : metrics[0]!, chance),
  ];
};

const metricLine = (metric: MetricScore): string => `  ${metric.name.padEnd(22)} ${metricText(metric)}`;

const asText = (result: ScoreResult): string => {
  const { benchmark, mode, subject, split, intervention, metrics, views, outcomes, otherParts, ids } = result;
  const part = split === null ? "" : `, part "${split}"`;
  const view = intervention === "complete" ? "" : `, shown as "${intervention}"`;
  const others = Object.entries(otherParts).map(([name, count]) => `${name} ${count}`);
  const lines = [
    `${benchmark}${part}${view}: ${subject}, ${mode} scoring, in per cent with 95 % intervals clustered by clip`,
    result.verified === null
      ? "unverified: this benchmark's scoring has not reproduced a published score"
      : `verified: ${result.verified}`,
    ...table(result),
    "metrics in per cent with 95 % intervals by bootstrap over clips",
    ...metrics.filter(({ name }) => name !== "accuracy").map(metricLine),
    ...views.map(
      (other) =>
        `shown as "${other.intervention}": ${withInterval(other.accuracy)} of ${other.accuracy.questions} questions`,
    ),
    `of ${result.scored} scored answers: ${Object.entries(outcomes)
      .filter(([outcome]) => outcome !== "unscored")
      .map(([outcome, count]) => `${outcome} ${count}`)
      .join(", ")}`,
    ...(result.matchedByPosition
      ? ["answers have numbers only: matched in the order of the annotations, from 0"]
      : []),
    named(ids.missing, "missing (counted wrong)"),
    named(ids.unknown, "unknown predictions (not counted)"),
    named(ids.repeated, "answered twice (the first counts)"),
    named(ids.unusable, "answers that are no text (counted missing)"),
    `without published answer (not scored) ${result.withoutPublishedAnswer}`,
    ...result.irregular.map(({ what, ids: odd }) => named(odd, `odd in the annotations: ${what},`)),
  ];
  if (others.length > 0) lines.push(`rows of other parts (not asked): ${others.join(", ")}`);
  return lines.join("\n");
};

const scorersOf = (options: Readonly<Record<string, unknown>>): Pick<ScoringRequest, "scorers" | "cache"> => {
  const scorers = (options["scorer"] as readonly string[] | undefined) ?? [];
  if (scorers.length === 0) return {};
  return { scorers, ...(options["cache"] === false ? { cache: false } : {}) };
};

const command: CommandDefinition = defineCommand({
  summary: "score a prediction file against a benchmark's annotations",
  configure: (command) => {
    command
      .argument("<benchmark>", `one of: ${benchmarkRegistry.names().join(", ")}`)
      .requiredOption(
        "--annotations <file>",
        "the benchmark's annotation file, or a folder of them or of a data set",
      )
      .requiredOption(
        "--predictions <file>",
        'JSON {"id": "text"}; an array or lines of {"id": ..., "answer": ...}; our own records; samples of lmms-eval; tables (.tsv, .csv), such as VLMEvalKit writes; or a file, or folder of files, in the benchmark\'s own layout',
      )
      .option("--split <name>", 'part of the benchmark, or "all"; left out: "test" where the rows name one')
      .option(
        "--metric <names...>",
        `more metrics, as NAME or NAME:ARGUMENT: ${metricRegistry.names().join(", ")}`,
      )
      .option(
        "--scorer <name[:arg]>",
        `let another program score open answers, repeatable: ${scorerRegistry.names().join(", ")}; docs/scorers.md`,
        repeated,
        [] as readonly string[],
      )
      .option("--no-cache", "keep nothing of what scorers say for later calls")
      .option("--out <folder>", "a new folder for records and a report")
      .addOption(
        new Option("--mode <mode>", "strict: ours; official: the benchmark's own rule, errors included")
          .choices(["strict", "official"])
          .default("strict"),
      );
  },
  run: async ([name], options, context) => {
    const split = options["split"] as string | undefined;
    const request: ScoringRequest = {
      benchmark: name as string,
      annotations: options["annotations"] as string,
      predictions: options["predictions"] as string,
      mode: options["mode"] as "strict" | "official",
      ...(split === undefined ? {} : { split }),
      metrics: (options["metric"] as readonly string[] | undefined) ?? [],
      ...scorersOf(options),
    };
    const result = await score(request, context);
    const { records: _, ...told } = result;
    const out = options["out"] as string | undefined;
    if (out === undefined) return { json: told, text: asText(result) };
    const { file } = await writeScore(resolve(out), request, result, context);
    return { json: { ...told, report: file }, text: `${asText(result)}\nreport: ${file}` };
  },
});
export default command;
