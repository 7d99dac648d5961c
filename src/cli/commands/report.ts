import { resolve } from "node:path";
import { report } from "../../jobs/report.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { reportLines } from "../report-lines.ts";

const command: CommandDefinition = defineCommand({
  summary: "make a run's report again from its records",
  configure: (command) => {
    command.argument("<folder>", "a run folder with records, such as quickstart and score --out write");
  },
  run: async ([folder], _options, context) => {
    const { file, model } = await report(resolve(folder as string), context);
    const { rows, differences, seeing } = model;
    return {
      json: { report: file, rows, differences, seeing },
      text: `${reportLines(model)}\nreport: ${file}`,
    };
  },
});
export default command;
