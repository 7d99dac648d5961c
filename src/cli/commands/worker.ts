import { workForQueue } from "../../jobs/build/build-worker.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { integerValue } from "../option-values.ts";

interface WorkerOptions {
  readonly queue: string;
  readonly workers?: number;
  readonly untilIdle?: number;
}

const worker: CommandDefinition = defineCommand({
  summary: "makes clips for builds that share a queue, on this machine",
  configure: (command) => {
    command
      .requiredOption("--queue <url>", "postgres://USER@HOST:PORT/DATABASE, the one that build was given")
      .option("--workers <number>", "worker processes; default: one a core", integerValue({ min: 1 }))
      .option(
        "--until-idle <seconds>",
        "end after so long without work; default: go on until stopped",
        integerValue({ min: 1 }),
      );
  },
  run: async (_args, raw, context) => {
    const { queue, workers, untilIdle } = raw as unknown as WorkerOptions;
    const result = await workForQueue(
      {
        queue,
        ...(workers !== undefined && { workers }),
        ...(untilIdle !== undefined && { idleSeconds: untilIdle }),
      },
      context,
    );
    const { clips, rows, rejected } = result;
    return { json: result, text: `${clips} clips made, ${rows} rows, ${rejected} rejected` };
  },
});

export default worker;
