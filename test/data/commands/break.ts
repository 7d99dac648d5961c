import { type CommandDefinition, defineCommand } from "../../../src/cli/command.ts";
import { InternalError } from "../../../src/core/errors.ts";

/** A command with a fault of ours. */
const breaking: CommandDefinition = defineCommand({
  summary: "always fails",
  configure: () => {},
  run: () => Promise.reject(new InternalError("the promise was broken")),
});

export default breaking;
