import { evaluateSubject } from "../../jobs/eval/eval.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { evalOptions, evalRequest, evalText } from "../eval-options.ts";

/** What tells whether the decisive frames decide: with them, without them, without as many others, and without any. */
const views = ["complete", "absent", "random-removal", "blind"];

const command: CommandDefinition = defineCommand({
  summary: "do the decisive frames decide? accuracy with them, without them, without as many others",
  goesOn: true,
  configure: (command) => {
    evalOptions(command).option("--no-blind", "do not ask without pictures");
  },
  run: async ([name], options, context) => {
    const asked = options["blind"] === false ? views.filter((view) => view !== "blind") : views;
    const result = await evaluateSubject(evalRequest(name as string, options, asked), context);
    return {
      json: { sensitivity: result.row?.sensitivity?.overall ?? null, ...result },
      text: evalText(result),
    };
  },
});
export default command;
