import { interventionRegistry } from "../../evaluation/interventions.ts";
import { evaluateSubject } from "../../jobs/eval/eval.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { evalOptions, evalRequest, evalText, repeated } from "../eval-options.ts";

const command: CommandDefinition = defineCommand({
  summary: "ask a model, an endpoint or a prediction file a benchmark's questions about its clips",
  goesOn: true,
  configure: (command) => {
    evalOptions(command).option(
      "--intervention <name[:key=value,...]>",
      `show the clips otherwise, too; repeatable: ${interventionRegistry.names().join(", ")}`,
      repeated,
      [] as readonly string[],
    );
  },
  run: async ([name], options, context) => {
    const interventions = options["intervention"] as readonly string[];
    const result = await evaluateSubject(evalRequest(name as string, options, interventions), context);
    return { json: result, text: evalText(result) };
  },
});
export default command;
