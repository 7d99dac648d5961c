import { resolve } from "node:path";
import { benchmarkRegistry } from "../../evaluation/benchmarks.ts";
import { type AuditResult, audit } from "../../jobs/audit.ts";
import { percent, percentRange } from "../../pages/format.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { integerValue } from "../option-values.ts";

const asText = (result: AuditResult): string => {
  const { benchmark, headline, guessers, letters, duplicates, leftOut, irregular, page } = result;
  const width = Math.max(12, ...guessers.map(({ name }) => name.length));
  const lines = [
    `${benchmark}: ${headline ?? "nothing could be audited: no choice questions with published answers and texts"}`,
    ...guessers.map(
      ({ name, how, accuracy }) =>
        `  ${name.padEnd(width)}  ${percent(accuracy.value).padStart(5)} (${percentRange(accuracy)})  ${how}`,
    ),
    ...(guessers[0]?.skills ?? []).map(
      ({ skill }, at) =>
        `  ${skill}: ${guessers.map((one) => `${one.name} ${percent(one.skills[at]!.accuracy)}`).join("; ")}`,
    ),
    `right letters: ${letters.map(({ letter, right }) => `${letter} ${right}`).join(", ") || "none"}`,
    `asked twice about one clip ${duplicates.sameClip.length}; same question and options on another clip ${duplicates.otherClip}`,
    `audited ${result.audited} of ${result.questions} questions; left out: ${Object.entries(leftOut)
      .map(([why, count]) => `${why} ${count}`)
      .join(", ")}`,
    ...irregular.map(({ what, ids }) => `odd in the annotations: ${what} ${ids.length}`),
    ...(page === null ? [] : [`page: ${page}`]),
  ];
  return lines.join("\n");
};

const command: CommandDefinition = defineCommand({
  summary: "what can be had of a benchmark without looking: text priors, letters, repetitions",
  configure: (command) => {
    command
      .argument("<benchmark>", `one of: ${benchmarkRegistry.names().join(", ")}`)
      .requiredOption("--annotations <file>", "the benchmark's annotation file, or a folder of them")
      .option("--page <file>", "write one self-contained HTML page")
      .option("--seed <number>", "of the folds", integerValue(), 0);
  },
  run: async ([name], options) => {
    const page = options["page"] as string | undefined;
    const result = await audit({
      benchmark: name as string,
      annotations: options["annotations"] as string,
      seed: options["seed"] as number,
      ...(page === undefined ? {} : { page: resolve(page) }),
    });
    return { json: result, text: asText(result) };
  },
});
export default command;
