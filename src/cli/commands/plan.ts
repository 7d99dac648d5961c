import { ConfigError } from "../../core/errors.ts";
import { estimateBuild } from "../../jobs/build/plan-build.ts";
import { aboutTime } from "../../jobs/timetable.ts";
import { accelerators } from "../../jobs/train/machine-rates.ts";
import { shapeNames } from "../../jobs/train/model-shapes.ts";
import { type PlannedRun, planRun } from "../../jobs/train/plan-request.ts";
import { parseSettings } from "../../jobs/train/settings.ts";
import { trainingRecipes } from "../../recipes/train/training-recipes.ts";
import { relevanceProviders } from "../../selection/relevance.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { rounded } from "../metric-text.ts";
import { integerValue, numberValue } from "../option-values.ts";

interface PlanOptions {
  readonly clips?: number;
  readonly seconds: number;
  readonly rows: number;
  readonly relevance: string;
  readonly machines: number;
  readonly workers?: number;
  readonly price?: number;
  readonly model?: string;
  readonly set?: readonly string[];
  readonly gpus: number;
  readonly gpu: string;
  readonly memory?: number;
  readonly utilisation: number;
  readonly rates?: string;
  readonly frames: number;
  readonly pixels: number;
  readonly question: number;
  readonly answer: number;
}

const bytes = (count: number): string =>
  count >= 1e9 ? `${(count / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(count / 1e6))} MB`;

const planned = (plan: PlannedRun, memory: number | undefined, price: number | undefined): string => {
  const { training, drawing, update } = plan.parts;
  const { weights, optimizer, gathered, activations, drawing: drawn, all } = plan.bytes;
  const of = (seconds: number): string => `${rounded(seconds, 2)} s`;
  const fit =
    plan.fits === undefined
      ? []
      : plan.fits
        ? [`fits into ${memory} GB a GPU`]
        : [
            `does not fit into ${memory} GB a GPU; ${plan.fitsFrom === undefined ? "nor on any number of them" : `it does on ${plan.fitsFrom}`}`,
          ];
  return [
    `time: ${aboutTime(plan.seconds)} on ${plan.gpus} times ${plan.gpu}, ${rounded(plan.gpuHours, 3)} GPU-hours: ${plan.steps} steps of ${of(plan.secondsPerStep)} (training ${of(training)}, drawing ${of(drawing)}, update ${of(update)})`,
    ...(plan.secondsBefore > 0
      ? [`of it ${aboutTime(plan.secondsBefore)} before the first step, to choose prompts`]
      : []),
    `memory of a GPU: ${bytes(all)} (weights ${bytes(weights)}, optimizer ${bytes(optimizer)}, gathered blocks ${bytes(gathered)}, between operations ${bytes(activations)}, drawing ${bytes(drawn)})`,
    ...fit,
    plan.isMeasured
      ? "by rates that were measured there"
      : `by the data sheet, measured nowhere: products are ${((plan.sheetShare ?? 0) * 100).toFixed(0)} % of its operations then; \`videoperceiver engine rates torch\` measures a machine's own`,
    ...(price === undefined ? [] : [`money: ${(price * plan.gpuHours).toFixed(2)}`]),
  ].join("\n");
};

const clipsOf = ({ clips }: PlanOptions): number => {
  if (clips !== undefined) return clips;
  throw new ConfigError("no --clips", { expected: "how many clips, or of videoperceiver-grpo prompts" });
};

const planOfRecipe = async (recipe: string, options: PlanOptions) => {
  const clips = clipsOf(options);
  const { model, set, gpus, gpu, memory, utilisation, rates } = options;
  const { frames, pixels, question, answer, price } = options;
  if (model === undefined)
    throw new ConfigError("no model", { expected: `--model ${shapeNames.join(", ")}, or a folder` });
  const plan = await planRun({
    recipe,
    settings: parseSettings(set ?? []),
    model,
    shown: { clips, frames, pixels, questionTokens: question, answerTokens: answer, replaced: 1 / 3 },
    gpu,
    gpus,
    memoryBytes: memory === undefined ? undefined : memory * 1e9,
    utilisation,
    ratesFile: rates,
  });
  return { json: plan, text: planned(plan, memory, price) };
};

const plan: CommandDefinition = defineCommand({
  summary: "what a build or a training run will take, before it is begun: time, disk, memory, money",
  configure: (command) => {
    command
      .argument("<what>", `build, or a recipe of train: ${trainingRecipes.names().join(", ")}`)
      .option("--clips <number>", "how many clips; of videoperceiver-grpo: prompts", integerValue({ min: 1 }))
      .option("--seconds <length>", "build: mean length of a clip", numberValue({ min: 0.01 }), 6)
      .option("--rows <number>", "build: rows about a clip", numberValue({ min: 0.01 }), 1)
      .option(
        "--relevance <name>",
        `build: what finds the decisive frames: ${relevanceProviders.names().join(", ")}`,
        "motion",
      )
      .option("--machines <number>", "build: machines that share a queue", integerValue({ min: 1 }), 1)
      .option(
        "--workers <number>",
        "build: worker processes of each; default: one for each core of this one",
        integerValue({ min: 1 }),
      )
      .option(
        "--price <money>",
        "what a machine, or of a recipe a GPU, costs an hour",
        numberValue({ min: 0 }),
      )
      .option("--model <shape or folder>", `recipe: ${shapeNames.join(", ")}, or a folder with config.json`)
      .option(
        "--set <key=value>",
        "recipe: a setting, as of train; repeatable",
        (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
      )
      .option("--gpus <number>", "recipe: how many", integerValue({ min: 1 }), 1)
      .option("--gpu <name>", `recipe: ${Object.keys(accelerators).join(", ")}`, "a100")
      .option("--memory <gigabytes>", "recipe: of a GPU; says whether it fits", numberValue({ min: 1 }))
      .option(
        "--utilisation <share>",
        "recipe: share of a GPU's data sheet that is reached, by products of its operations and by all else of its memory; assumed, measured on none",
        numberValue({ min: 0.01, max: 1 }),
        0.6,
      )
      .option(
        "--rates <file>",
        "recipe: rates that were measured, instead of a data sheet; on the machine itself `videoperceiver engine rates torch --out FILE` writes them in a minute or two",
      )
      .option("--frames <number>", "recipe: frames of a clip", integerValue({ min: 1 }), 32)
      .option(
        "--pixels <number>",
        "recipe: pixels of a frame as the model takes it",
        integerValue({ min: 784 }),
        200_704,
      )
      .option("--question <tokens>", "recipe: mean length of a question", integerValue({ min: 1 }), 40)
      .option("--answer <tokens>", "recipe: mean length of a learnt answer", integerValue({ min: 1 }), 60);
  },
  run: async (args, raw) => {
    const options = raw as unknown as PlanOptions;
    const what = String(args[0]);
    if (what !== "build") return await planOfRecipe(what, options);
    const clips = clipsOf(options);
    const { seconds, rows, relevance, machines, workers, price } = options;
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
