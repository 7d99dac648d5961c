import { type DebuggedInput, debugBatch } from "../../jobs/debug-batch.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { chosenEngine, engineOptions } from "../engine-options.ts";

const number = (value: number): string => (Number.isFinite(value) ? value.toPrecision(6) : String(value));

const inputLines = (input: DebuggedInput): string[] => {
  const { objective, batches, loss, metrics, norm, norms, firstBadRow: bad, badFeeds } = input;
  return [
    `${objective}, ${batches} ${batches === 1 ? "batch" : "batches"}: loss ${number(loss)}`,
    ...Object.entries(metrics).map(([name, value]) => `  ${name} ${number(value)}`),
    `  gradient norm ${number(norm)}`,
    ...Object.entries(norms).map(([group, own]) => `    ${group} ${number(own)}`),
    ...badFeeds.map((name) => `  fed "${name}" holds numbers that are none`),
    bad === undefined
      ? "  every number of the forward pass is finite"
      : `  first number that is none: ${bad.what}, batch ${bad.batch}, sample ${bad.sample}, position ${bad.position} (token ${bad.token})`,
  ];
};

const command: CommandDefinition = defineCommand({
  summary: "compute a step again that stopped a training run, and say where its numbers stop being numbers",
  configure: (command) => {
    command
      .argument("<file>", "failed-step.batch of a run folder")
      .requiredOption(
        "--model <folder>",
        "weights to compute with: failed-step-weights of the run folder, or any checkpoint of the model",
      )
      .option("--adapter <folder>", "LoRA adapter (PEFT) of the checkpoint");
    engineOptions(command);
  },
  run: async ([file], options, context) => {
    const { model, adapter } = options as { readonly model: string; readonly adapter?: string };
    const found = await debugBatch(
      {
        file: file as string,
        model,
        ...(adapter !== undefined && { adapter }),
        engine: chosenEngine(options),
      },
      context,
    );
    return {
      json: { file: file as string, ...found },
      text: [`step ${found.step} stopped: ${found.reason}`, ...found.inputs.flatMap(inputLines)].join("\n"),
    };
  },
});

export default command;
