import { setTimeout as sleep } from "node:timers/promises";
import { type CommandDefinition, defineCommand } from "../../../src/cli/command.ts";

/** A long command: says that it runs and ends only when it is asked to stop, by returning or by throwing. */
const wait: CommandDefinition = defineCommand({
  summary: "waits until it is stopped",
  configure: (command) =>
    command.argument("<how>", "return or throw").option("--out <dir>", "folder").option("--resume", "go on"),
  run: async ([how], _options, context) => {
    process.stderr.write("running\n");
    await sleep(60_000, undefined, { signal: context.signal }).catch((error: unknown) => {
      if (how === "throw") throw error;
    });
    return { json: { stopped: true }, text: "stopped early" };
  },
});

export default wait;
