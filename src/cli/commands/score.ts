import { Option } from "commander";
import { benchmarkRegistry } from "../../evaluation/benchmarks.ts";
import { readPredictions } from "../../evaluation/predictions.ts";
import { type ScoreResult, scorePredictions } from "../../evaluation/score.ts";
import type { Estimate } from "../../evaluation/statistics/estimate.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";

const percent = (share: number | null): string => (share === null ? "-" : (share * 100).toFixed(1));
const withInterval = ({ value, low, high }: Estimate): string =>
  `${percent(value)} (${percent(low)}-${percent(high)})`;

const asText = (result: ScoreResult): string => {
  const width = Math.max(12, ...result.skills.map(({ skill }) => skill.length));
  const row = (name: string, accuracy: Estimate, chance: number | null): string =>
    `  ${name.padEnd(width)}  ${withInterval(accuracy).padEnd(20)} ${percent(chance).padStart(7)} ${String(accuracy.questions).padStart(10)}`;
  return [
    `${result.benchmark}, ${result.mode} scoring, accuracy in per cent with 95 % intervals clustered by clip`,
    `  ${"skill".padEnd(width)}  ${"accuracy".padEnd(20)} ${"chance".padStart(7)} ${"questions".padStart(10)}`,
    ...result.skills.map(({ skill, accuracy, chance }) => row(skill, accuracy, chance)),
    row("all", result.accuracy, result.chance),
    `macro ${percent(result.macroAccuracy)}, of answered ${percent(result.accuracyOfAnswered)}, answered ${percent(result.answeredRate)}, unreadable ${percent(result.parseFailRate)}`,
    `missing ${result.missing} (counted wrong), without published answer ${result.withoutPublishedAnswer} (not scored), unknown predictions ${result.unknown}`,
  ].join("\n");
};

const command: CommandDefinition = defineCommand({
  summary: "score a prediction file against a benchmark's annotations",
  configure: (command) => {
    command
      .argument("<benchmark>", `one of: ${benchmarkRegistry.names().join(", ")}`)
      .requiredOption("--annotations <file>", "the benchmark's annotation file, or a data set folder")
      .requiredOption("--predictions <file>", 'JSON {"id": "text"} or lines {"id": ..., "answer": ...}')
      .addOption(
        new Option("--mode <mode>", "strict: ours; official: the benchmark's own rule, errors included")
          .choices(["strict", "official"])
          .default("strict"),
      );
  },
  run: async ([name], options) => {
    const benchmark = (await benchmarkRegistry.make(name as string)).value;
    const questions = await benchmark.questions(options["annotations"] as string);
    const predictions = readPredictions(options["predictions"] as string);
    const result = scorePredictions(
      name as string,
      benchmark,
      questions,
      predictions,
      options["mode"] as "strict" | "official",
    );
    return { json: result, text: asText(result) };
  },
});
export default command;
