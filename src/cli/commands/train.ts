import { availableParallelism } from "node:os";
import { ConfigError } from "../../core/errors.ts";
import { aboutTime } from "../../jobs/timetable.ts";
import type { RunDescription } from "../../jobs/train/description.ts";
import { parseSettings, readRequest } from "../../jobs/train/settings.ts";
import { describeTraining, train } from "../../jobs/train/train.ts";
import { trainingRecipes } from "../../recipes/train/training-recipes.ts";
import { inPercent } from "../clip-options.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { chosenEngine, engineOptions } from "../engine-options.ts";
import { rounded } from "../metric-text.ts";
import { chosenClips, videoOptions } from "../video-options.ts";

interface TrainOptions {
  readonly model?: string;
  readonly data?: readonly string[];
  readonly set?: readonly string[];
  readonly out?: string;
  readonly resume?: boolean;
  readonly dryRun?: boolean;
  readonly threads?: number;
  readonly engine?: string;
}

const green = (text: string): string => `\u001b[32m${text}\u001b[39m`;

/** What is learnt is green on a terminal, else between brackets. */
const rendered = ({ sample }: RunDescription, isTerminal: boolean): string =>
  (sample?.parts ?? [])
    .map(({ text, learnt }) => (learnt ? (isTerminal ? green(text) : `[[${text}]]`) : text))
    .join("");

const described = (run: RunDescription, isTerminal: boolean): string => {
  const { settings, steps, samples, clips, looked, tokensPerSample, paddingShare, batchesPerStep } = run;
  const { expected, sample } = run;
  const width = Math.max(...settings.map(({ path }) => path.length));
  const { mean, most, learnt } = tokensPerSample;
  return [
    ...settings.map(
      ({ path, value, origin }) => `${path.padEnd(width)}  ${JSON.stringify(value)}  (${origin})`,
    ),
    "",
    `${samples} samples of ${clips} clips, ${steps} steps`,
    ...(looked === 0
      ? []
      : [
          `tokens a sample: ${mean.toFixed(0)} on average, ${most} at most, ${learnt.toFixed(0)} learnt (of ${looked} clips)`,
          `batches a step: ${batchesPerStep.toFixed(1)}; padding ${inPercent(paddingShare)} of their positions`,
        ]),
    ...(expected === undefined
      ? []
      : [
          `about ${rounded(expected.secondsPerStep, 2)} s a step, ${aboutTime(expected.seconds)} in all (if nothing else runs), ${rounded(expected.memoryMiB / 1024, 2)} GiB of memory`,
        ]),
    ...(sample === undefined
      ? []
      : ["", `${sample.id}, ${isTerminal ? "green" : "[[...]]"} is learnt:`, rendered(run, isTerminal)]),
  ].join("\n");
};

const command: CommandDefinition = defineCommand({
  summary: "a checkpoint trained on data sets: SFT, the paper's stages, preferences, a frame-text encoder",
  configure: (cli) => {
    cli
      .argument("<recipe>", `${trainingRecipes.names().join(", ")}; or a file: YAML, or a run's config.json`)
      .option(
        "--model <folder>",
        "checkpoint: a folder, a run's folder or a hub name; none for relevance, which makes a new encoder",
      )
      .option("--data <folder...>", "data sets that `build` or `fragments` made; --set mix.sets weighs them")
      .option(
        "--set <key=value>",
        "a setting, e.g. steps=200 or schedule.learningRate=1e-4; --dry-run lists all; repeatable",
        (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
      )
      .option("--out <folder>", "the run's folder")
      .option("--resume", "go on with the run that is there, or begin it")
      .option("--dry-run", "say what would be done, and show a sample as it is learnt");
    // Without --threads a file's number counts, then that of the cores.
    engineOptions(cli).setOptionValue("threads", undefined);
    videoOptions(cli);
  },
  run: async ([what], raw, context) => {
    const options = raw as unknown as TrainOptions;
    const { model, data, engine, threads, out } = options;
    const settings = parseSettings(options.set ?? []);
    const request = readRequest({ what: String(what), model, data, engine, threads, settings });
    const chosen = chosenEngine({
      ...raw,
      engine: request.engine,
      threads: request.threads ?? availableParallelism(),
    });
    const isDry = options.dryRun === true;
    if (out === undefined && !isDry) throw new ConfigError("no --out", { expected: "the run's folder" });
    const resume = options.resume === true;
    const job = { request, out: out ?? "", resume, engine: chosen, clips: chosenClips(raw) };
    if (isDry) {
      const run = await describeTraining(job, context);
      return { json: run, text: described(run, process.stdout.isTTY) };
    }
    const result = await train(job, context);
    for (const warning of result.warnings) context.warn(warning);
    const { dropped } = result;
    return {
      json: result,
      text: [
        `${result.steps} steps on ${result.samples} samples of ${result.clips} clips in ${result.seconds.toFixed(0)} s`,
        `checkpoint: ${result.checkpoint}`,
        ...(dropped.length === 0
          ? []
          : [
              `dropped: ${dropped.length}, e.g. ${dropped[0]!.id}: ${dropped[0]!.reason}; all in dropped.jsonl`,
            ]),
        result.use,
      ].join("\n"),
    };
  },
});

export default command;
