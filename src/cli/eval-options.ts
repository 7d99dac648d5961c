import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import { benchmarkRegistry } from "../evaluation/benchmarks.ts";
import { companionMetrics, metricRegistry } from "../evaluation/metrics.ts";
import { scorerRegistry } from "../evaluation/scorer.ts";
import { type Estimate, excludesZero } from "../evaluation/statistics/estimate.ts";
import { subjectRegistry } from "../evaluation/subject.ts";
import type { EvalResult } from "../jobs/eval/eval.ts";
import type { TwinRequest } from "../jobs/eval/find-twins.ts";
import type { EvalRequest } from "../jobs/eval/request.ts";
import { percent, percentRange, points, pointsRange, pValue } from "../pages/format.ts";
import { relevanceProviders } from "../selection/relevance.ts";
import { frameSelectors } from "../selection/selectors.ts";
import { builderOption } from "./clip-options.ts";
import { chosenEngine, engineOptions } from "./engine-options.ts";
import { metricText } from "./metric-text.ts";
import { integerValue } from "./option-values.ts";
import { chosenClips, videoOptions } from "./video-options.ts";

/** Collects what a repeatable option says. */
export const repeated = (one: string, before: readonly string[]): readonly string[] => [...before, one];

/** Declares what `eval` and `sensitivity` share. */
export const evalOptions = (command: Command): Command => {
  command
    .argument("<benchmark>", `folder of a data set, or one of: ${benchmarkRegistry.names().join(", ")}`)
    .option(
      "--data <folder>",
      "the clips, and the annotations where --annotations names none; a data set is its own",
    )
    .option("--annotations <path>", "annotation file, or a folder of them")
    .requiredOption(
      "--subject <kind:ref>",
      `who answers: checkpoint:DIR, openai:BASE_URL#MODEL, predictions:FILE; kinds: ${subjectRegistry.names().join(", ")}; more as kind:key=value,...`,
    )
    .requiredOption("--out <folder>", "records, journal and report; an unfinished one goes on where it was")
    .option("--split <name>", 'part of the benchmark, or "all"; left out: "test" where the rows name one')
    .option("--limit <number>", "questions at most, whole clips in a seeded order", integerValue({ min: 1 }))
    .option(
      "--frames <number>",
      "frames of a clip, for subjects that do not choose",
      integerValue({ min: 1 }),
      8,
    )
    .option(
      "--selector <name[:key=value,...]>",
      `who chooses the frames: ${frameSelectors.names().join(", ")}`,
      "uniform",
    )
    .option(
      "--draws <number>",
      "repetitions of interventions that draw (random removal, shuffling)",
      integerValue({ min: 1 }),
      5,
    )
    .option(
      "--rotate-options",
      "ask choices as often as they have options, each time turned one place further",
    )
    .option(
      "--relevance <name[:arg]>",
      `finds the decisive frames of questions whose rows do not say: ${relevanceProviders.names().join(", ")}`,
    )
    .option("--seed <number>", "of every draw", integerValue({ min: 0 }), 0)
    .option(
      "--metric <names...>",
      `more metrics, besides the benchmark's own: ${metricRegistry.names().join(", ")}`,
    )
    .option(
      "--scorer <name[:arg]>",
      `let another program score open answers, repeatable: ${scorerRegistry.names().join(", ")}; docs/scorers.md`,
      repeated,
      [] as readonly string[],
    )
    .option("--retry-failed", "ask again what failed, was refused or never answered")
    .addOption(
      new Option("--mode <mode>", "strict: ours; official: the benchmark's own rule, errors included")
        .choices(["strict", "official"])
        .default("strict"),
    );
  builderOption(command, "how frames that --relevance finds are taken away");
  engineOptions(command);
  videoOptions(command);
  return command;
};

/** What {@link evalOptions} say. @throws {ConfigError} for a benchmark without a place for its clips */
export const evalRequest = (
  benchmark: string,
  options: Readonly<Record<string, unknown>>,
  interventions: readonly string[],
): EvalRequest => {
  const isDataset = existsSync(join(benchmark, "dataset.json"));
  const data = (options["data"] as string | undefined) ?? (isDataset ? benchmark : undefined);
  if (data === undefined)
    throw new ConfigError("where are the clips?", {
      where: `benchmark ${benchmark}`,
      expected: "--data FOLDER, or the folder of a data set (with dataset.json) as the benchmark",
    });
  const {
    annotations,
    subject,
    split,
    limit,
    mode,
    frames,
    selector,
    draws,
    seed,
    metric,
    scorer,
    retryFailed,
    rotateOptions,
    relevance,
    builder,
  } = options as {
    readonly metric?: readonly string[];
    readonly scorer?: readonly string[];
  } & Partial<EvalRequest> &
    Partial<TwinRequest>;
  return {
    benchmark,
    data,
    subject: subject!,
    interventions,
    draws: draws!,
    mode: mode!,
    frames: frames!,
    selector: selector!,
    metrics: metric ?? [],
    scorers: scorer ?? [],
    seed: seed!,
    out: resolve(options["out"] as string),
    retryFailed: retryFailed === true,
    rotateOptions: rotateOptions === true,
    engine: chosenEngine(options),
    clips: chosenClips(options),
    ...(relevance === undefined ? {} : { twins: { relevance, builder: builder! } }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(split === undefined ? {} : { split }),
    ...(limit === undefined ? {} : { limit }),
  };
};

const withRange = (estimate: Estimate): string => `${percent(estimate.value)} (${percentRange(estimate)})`;

const sensitivityLines = ({ row }: EvalResult): string[] => {
  const estimate = row?.sensitivity?.overall;
  if (!estimate) return [];
  const verdict = !excludesZero(estimate)
    ? "the interval holds 0: these questions do not show that the decisive frames decide"
    : estimate.value > 0
      ? "the answers hang on the decisive frames"
      : "the answers suffer more when other frames go";
  return [
    `sensitivity ${points(estimate.value)} points (${pointsRange(estimate)}), ${estimate.questions} questions about ${estimate.clusters} clips: ${verdict}`,
  ];
};

/** Metrics besides accuracy under every view; what became of the answers says the rest. */
const metricLines = ({ views }: EvalResult): string[] => {
  const told = (views[0]?.metrics ?? []).filter(
    ({ name }) => name !== "accuracy" && !companionMetrics.includes(name),
  );
  return told.map(({ name }) => {
    const values = views.map(
      ({ label, metrics }) => `${label} ${metricText(metrics.find((one) => one.name === name)!)}`,
    );
    return `${name}: ${values.join("; ")}`;
  });
};

/** The table of views, what it says, and what went wrong. */
export const evalText = (result: EvalResult): string => {
  const { benchmark, subject, split, mode, views, differences, notApplicable, unreadableClips, irregular } =
    result;
  const { isGraded } = result;
  const width = Math.max(14, ...views.map(({ label }) => label.length));
  const lines = [
    `${benchmark}${split === null ? "" : `, part "${split}"`}: ${subject}, ${mode} scoring, per cent right with 95 % intervals clustered by clip`,
    result.verified === null
      ? "unverified: this benchmark's scoring has not reproduced a published score"
      : `verified: ${result.verified}`,
    `  ${"shown as".padEnd(width)}  ${"right".padEnd(20)} questions  what became of the answers`,
    ...views.map(({ label, accuracy, outcomes }) => {
      const counts = Object.entries(outcomes).flatMap(([outcome, count]) =>
        count === 0 ? [] : [`${isGraded || outcome !== "wrong" ? outcome : "answered"} ${count}`],
      );
      const right = isGraded ? withRange(accuracy) : "only metrics";
      return `  ${label.padEnd(width)}  ${right.padEnd(20)} ${String(accuracy.questions).padStart(9)}  ${counts.join(", ")}`;
    }),
    ...metricLines(result),
    ...sensitivityLines(result),
    ...differences.map(
      ({ of, against, difference, adjustedP }) =>
        `${of} minus ${against}: ${points(difference.value)} points (${pointsRange(difference)}), ${pValue(adjustedP)} by Holm`,
    ),
    ...Object.entries(notApplicable).map(
      ([view, count]) => `cannot be shown as "${view}": ${count} questions`,
    ),
    ...(unreadableClips.length === 0
      ? []
      : [
          `clips that cannot be shown (their questions failed): ${unreadableClips.length} of ${result.clips}`,
        ]),
    ...irregular.map(({ what, ids }) => `odd in the annotations: ${what}: ${ids.length}`),
    `asked ${result.asked}, answered before ${result.known}`,
    `report: ${result.report}`,
  ];
  return lines.join("\n");
};
