import { resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { report } from "../../jobs/report.ts";
import { isTrainingRun, trainingReport } from "../../jobs/training-report/training-report.ts";
import { resultFormats, writeFormat } from "../../jobs/write-formats.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { reportLines } from "../report-lines.ts";

const command: CommandDefinition = defineCommand({
  summary: "a run's report from its records: of an evaluation, or of training",
  configure: (command) => {
    command
      .argument(
        "<folder>",
        "a run folder with records, such as quickstart, eval and score --out write; or a training run's",
      )
      .option(
        "--write <layouts...>",
        `write its answers for other programs, too: ${resultFormats.join(", ")}`,
      );
  },
  run: async ([folder], options, context) => {
    const own = resolve(folder as string);
    const layouts = (options["write"] as readonly string[] | undefined) ?? [];
    if (isTrainingRun(own)) {
      if (layouts.length > 0)
        throw new ConfigError("answers of a training run", {
          where: "--write",
          expected: "an evaluated run",
          got: own,
        });
      const page = await trainingReport(own);
      return { json: { report: page }, text: `report: ${page}` };
    }
    const { file, model } = await report(own, context);
    const { rows, differences, seeing } = model;
    const written: string[] = [];
    for (const layout of layouts) written.push(...(await writeFormat(own, layout)));
    return {
      json: { report: file, rows, differences, seeing, written },
      text: [reportLines(model), `report: ${file}`, ...written.map((one) => `written: ${one}`)].join("\n"),
    };
  },
});
export default command;
