import { resolve } from "node:path";
import { Option } from "commander";
import type { RunDifference } from "../../evaluation/compare/compare-runs.ts";
import { metricDifferenceText } from "../../evaluation/compare/metric-differences.ts";
import { type Estimate, excludesZero } from "../../evaluation/statistics/estimate.ts";
import { type CompareResult, compare } from "../../jobs/compare.ts";
import { percent, percentRange, points, pointsRange, pValue } from "../../pages/format.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { integerValue } from "../option-values.ts";

/** @param adjustedP of the test that is corrected for all comparisons, where there is one */
const saying = (difference: Estimate | null, adjustedP = 0): string => {
  if (difference === null) return "";
  if (!excludesZero(difference)) return ", no measurable difference";
  return adjustedP > 0.05 ? ", a difference that is not firm after Holm's correction" : ", a difference";
};

/** What is said of accuracy, beside the metrics. */
const accuracyLines = ({ adjustedP, disagreement, detectable, needed }: RunDifference): string[] => [
  `  permutation test over clips ${pValue(adjustedP)} by Holm; right in one only ${disagreement.onlyFirst} : ${disagreement.onlySecond}, McNemar's mid-p ${pValue(disagreement.midP)}`,
  `  smallest difference that shows here ${percent(detectable)} points; ${needed === null ? "there is no difference to show" : `this one shows with ${needed.toLocaleString("en-US")} questions`}`,
];

const differenceLines = (one: RunDifference, isGraded: boolean): string[] => {
  const { of, against, difference, notCommon, metrics } = one;
  return [
    isGraded
      ? `${of} minus ${against}: ${points(difference.value)} points right (${pointsRange(difference)})${saying(difference, one.adjustedP)}`
      : `${of} minus ${against}:`,
    ...metrics.map(
      (metric) => `  ${metric.name}: ${metricDifferenceText(metric)}${saying(metric.difference)}`,
    ),
    `  ${difference.questions} common questions about ${difference.clusters} clips${notCommon === 0 ? "" : `; ${notCommon} that only one was asked are left out`}`,
    ...(isGraded ? accuracyLines(one) : []),
  ];
};

const asText = (result: CompareResult): string => {
  const { benchmark, view, mode, rows, differences, cautions, page, isGraded } = result;
  const width = Math.max(12, ...rows.map(({ name }) => name.length));
  return [
    `${benchmark}, shown as "${view}", ${mode} scoring, ${isGraded ? "per cent right with " : ""}95 % intervals clustered by clip`,
    ...rows.map(
      ({ name, accuracy }) =>
        `  ${name.padEnd(width)}  ${isGraded ? `${percent(accuracy.value)} (${percentRange(accuracy)}) of ` : ""}${accuracy.questions} questions`,
    ),
    ...differences.flatMap((one) => differenceLines(one, isGraded)),
    ...cautions.map((caution) => `caution: ${caution}`),
    ...(page === null ? [] : [`page: ${page}`]),
  ].join("\n");
};

const command: CommandDefinition = defineCommand({
  summary: "two or more evaluated runs on the same questions: differences, tests, every question on a page",
  configure: (command) => {
    command
      .argument("<runs...>", "folders of eval or score --out, or files of records; one alone gives its page")
      .option("--view <intervention>", "which answers are compared", "complete")
      .option("--page <file>", "write one self-contained page with every question, what was shown and said")
      .option("--items <number>", "questions on the page at most", integerValue({ min: 1 }), 500)
      .option(
        "--pictures <number>",
        "clips whose pictures are on the page at most",
        integerValue({ min: 0 }),
        40,
      )
      .option("--seed <number>", "of the permutation test", integerValue({ min: 0 }), 0)
      .addOption(
        new Option("--mode <mode>", "strict: ours; official: the benchmark's own rule")
          .choices(["strict", "official"])
          .default("strict"),
      );
  },
  run: async ([runs], options, context) => {
    const { view, mode, seed, items, pictures, page } = options as {
      readonly view: string;
      readonly mode: "strict" | "official";
      readonly seed: number;
      readonly items: number;
      readonly pictures: number;
      readonly page?: string;
    };
    const request = { runs: runs as readonly string[], view, mode, seed, items, pictures };
    const result = await compare(
      { ...request, ...(page === undefined ? {} : { page: resolve(page) }) },
      context,
    );
    return { json: result, text: asText(result) };
  },
});
export default command;
