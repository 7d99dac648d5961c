import { ConfigError } from "../../core/errors.ts";
import { estimateBuild } from "../../jobs/build/plan-build.ts";
import { aboutTime } from "../../jobs/timetable.ts";
import { relevanceProviders } from "../../selection/relevance.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { integerValue, numberValue } from "../option-values.ts";

interface PlanOptions {
  readonly clips: number;
  readonly seconds: number;
  readonly rows: number;
  readonly relevance: string;
  readonly machines: number;
  readonly workers?: number;
  readonly price?: number;
}

const bytes = (count: number): string =>
  count >= 1e9 ? `${(count / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(count / 1e6))} MB`;

const plan: CommandDefinition = defineCommand({
  summary: "what a build will take, before it is begun: time, disk, money",
  configure: (command) => {
    command
      .argument("<what>", "build")
      .requiredOption("--clips <number>", "how many clips", integerValue({ min: 1 }))
      .option("--seconds <length>", "mean length of a clip", numberValue({ min: 0.01 }), 6)
      .option("--rows <number>", "rows about a clip", numberValue({ min: 0.01 }), 1)
      .option(
        "--relevance <name>",
        `what finds the decisive frames: ${relevanceProviders.names().join(", ")}`,
        "motion",
      )
      .option("--machines <number>", "machines that share a queue", integerValue({ min: 1 }), 1)
      .option(
        "--workers <number>",
        "worker processes of each; default: one for each core of this one",
        integerValue({ min: 1 }),
      )
      .option("--price <money>", "what a machine costs an hour", numberValue({ min: 0 }));
  },
  run: async (args, raw) => {
    const options = raw as unknown as PlanOptions;
    if (args[0] !== "build")
      throw new ConfigError("nothing to plan", { expected: "build", got: String(args[0]) });
    const { clips, seconds, rows, relevance, machines, workers, price } = options;
    const estimate = estimateBuild({
      clips,
      clipSeconds: seconds,
      rowsPerClip: rows,
      relevance,
      machines,
      ...(workers !== undefined && { workers }),
      ...(price !== undefined && { pricePerHour: price }),
    });
    const { rate, diskBytes, money } = estimate;
    return {
      json: { clips, clipSeconds: seconds, relevance, machines, ...estimate },
      text: [
        `time: ${aboutTime(estimate.seconds)} on ${machines} machine${machines === 1 ? "" : "s"}, ${Math.round(estimate.clipsPerMinute)} clips a minute, then ${aboutTime(estimate.assembleSeconds)} of putting together`,
        `disk: at most ${bytes(diskBytes.dataset)} of data set and page, and ${bytes(diskBytes.work)} of work that may be deleted; clips are linked, not copied`,
        ...(money === null ? [] : [`money: ${money.toFixed(2)}`]),
        `by the rate measured on ${rate.clips} clips (${rate.machine}): ${rate.videoSpeed.toFixed(1)} s of video a second and worker`,
      ].join("\n"),
    };
  },
});

export default plan;
