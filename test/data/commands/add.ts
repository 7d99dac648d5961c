import { type CommandDefinition, defineCommand } from "../../../src/cli/command.ts";
import { integerValue, listValue, numberValue } from "../../../src/cli/option-values.ts";
import { ConfigError } from "../../../src/core/errors.ts";

/** A command that works: adds numbers, and says "no" when the sum is negative. */
const add: CommandDefinition = defineCommand({
  summary: "add numbers",
  configure: (command) =>
    command
      .argument("<numbers...>", "what to add")
      .option("--times <n>", "how often", integerValue({ min: 1, max: 9 }), 1)
      .option("--offset <x>", "added once", numberValue(), 0)
      .option("--names <a,b>", "names", listValue, []),
  run: async ([numbers], options, context) => {
    const progress = context.progress("adding", "numbers");
    const values = (numbers as readonly string[]).map(Number);
    if (values.some(Number.isNaN)) throw new ConfigError("not a number", { where: "numbers\nargument" });
    progress.update(values.length, values.length);
    const sum =
      values.reduce((a, b) => a + b, 0) * (options["times"] as number) + (options["offset"] as number);
    return {
      json: { sum, names: options["names"] },
      text: `sum ${sum}`,
      ...(sum < 0 ? { exitCode: 1 } : {}),
    };
  },
});

export default add;
