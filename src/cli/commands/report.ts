import { resolve } from "node:path";
import { report } from "../../jobs/report.ts";
import { resultFormats, writeFormat } from "../../jobs/write-formats.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { reportLines } from "../report-lines.ts";

const command: CommandDefinition = defineCommand({
  summary: "make a run's report again from its records",
  configure: (command) => {
    command
      .argument("<folder>", "a run folder with records, such as quickstart, eval and score --out write")
      .option(
        "--write <layouts...>",
        `write its answers for other programs, too: ${resultFormats.join(", ")}`,
      );
  },
  run: async ([folder], options, context) => {
    const { file, model } = await report(resolve(folder as string), context);
    const { rows, differences, seeing } = model;
    const written: string[] = [];
    for (const layout of (options["write"] as readonly string[] | undefined) ?? [])
      written.push(...(await writeFormat(resolve(folder as string), layout)));
    return {
      json: { report: file, rows, differences, seeing, written },
      text: [reportLines(model), `report: ${file}`, ...written.map((one) => `written: ${one}`)].join("\n"),
    };
  },
});
export default command;
