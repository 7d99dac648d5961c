import { verifyFixture } from "../../engine/verify.ts";
import type { CaseReport, ItemReport } from "../../model/verify-processor.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { chosenEngine, engineOptions } from "../engine-options.ts";

const line = ({ item, maxAbs, maxRelative, pass, shapes }: ItemReport, name: string): string => {
  const difference =
    shapes === undefined
      ? `largest difference ${maxAbs.toExponential(1)}, of the largest value ${maxRelative.toExponential(1)}`
      : `shape [${shapes.got.join(", ")}] instead of [${shapes.expected.join(", ")}]`;
  return `  ${pass ? "ok  " : "FAIL"} ${name} ${item}: ${difference}`;
};

/** One line an item; gradients of a case that all pass are one line. */
const caseText = ({ name, items }: CaseReport): string[] => {
  const gradients = items.filter(({ item, pass }) => pass && item.startsWith("grad."));
  const others = items.filter((item) => !gradients.includes(item));
  const lines = others.map((item) => line(item, name));
  if (gradients.length === 0) return lines;
  const worst = (key: "maxAbs" | "maxRelative"): number => Math.max(...gradients.map((item) => item[key]));
  const all = { item: `${gradients.length} gradients`, pass: true };
  return [...lines, line({ ...all, maxAbs: worst("maxAbs"), maxRelative: worst("maxRelative") }, name)];
};

const command: CommandDefinition = defineCommand({
  summary: "compare the engine with a fixture's reference numbers; exit status 1 when something differs",
  configure: (command) => {
    command.argument(
      "<fixture>",
      "folder with fixture.json, tensors.safetensors and a checkpoint, or a processor fixture",
    );
    engineOptions(command);
  },
  run: async ([folder], options, context) => {
    const progress = context.progress("verifying", "cases");
    let done = 0;
    const report = await verifyFixture(folder as string, {
      ...chosenEngine(options),
      onCase: ({ name }) => progress.update(++done, 0, name),
    });
    const failed = report.cases.flatMap(({ items }) => items.filter(({ pass }) => !pass)).length;
    const items = report.cases.reduce((sum, one) => sum + one.items.length, 0);
    const verdict = report.pass ? `pass: ${items} items agree` : `FAIL: ${failed} of ${items} items differ`;
    return {
      json: { fixture: folder as string, ...report },
      text: [...report.cases.flatMap(caseText), verdict].join("\n"),
      exitCode: report.pass ? 0 : 1,
    };
  },
});

export default command;
