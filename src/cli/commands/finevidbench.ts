import { teachers } from "../../dataset/teacher.ts";
import { fineVidBenchSet } from "../../jobs/finevidbench/generate.ts";
import type { FragmentMode } from "../../jobs/fragments/protocol.ts";
import { frameSelectors } from "../../selection/selectors.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { nothingMade } from "../nothing-made.ts";
import { choiceValue, integerValue, numberValue } from "../option-values.ts";
import { type SourceOptions, sourceOptions, sourcesOf } from "../source-options.ts";
import { chosenClips, videoOptions } from "../video-options.ts";

interface BenchmarkOptions extends SourceOptions {
  readonly out: string;
  readonly teacher?: string;
  readonly synonyms?: string;
  readonly sets: number;
  readonly selector: string;
  readonly mode: FragmentMode;
  readonly pixels: number;
  readonly window: number;
  readonly seed: number;
  readonly workers?: number;
}

const percent = (share: number | null): string => (share === null ? "–" : (100 * share).toFixed(1));

const finevidbench: CommandDefinition = defineCommand({
  summary:
    "a benchmark in FineVidBench's form from your own clips: action, effect, speed, five fragment tasks",
  configure: (command) => {
    sourceOptions(command)
      .requiredOption("--out <folder>", "the benchmark's folder; an unfinished one is finished")
      .option(
        "--teacher <name:URL#MODEL>",
        `who looks at clips and says what happens, where no caption does: ${teachers.names().join(", ")}`,
      )
      .option("--synonyms <file>", "further visual synonyms: a CSV file with the columns one, other, motion")
      .option(
        "--sets <number>",
        "sets of key frames of a clip; each fragment task asks about every one",
        integerValue({ min: 1 }),
        3,
      )
      .option(
        "--selector <name[:key=value]>",
        `what chooses key frames: ${frameSelectors.names().join(", ")}`,
        "motion_guided",
      )
      .option(
        "--mode <how>",
        "independent: every question alone; dialogue: earlier fragment questions and answers stand before a question",
        choiceValue(["independent", "dialogue"]),
        "independent",
      )
      .option("--pixels <number>", "longest side of a film", integerValue({ min: 32, max: 2048 }), 336)
      .option(
        "--window <seconds>",
        "length of the parts of a longer clip that fragments and speed films are cut from",
        numberValue({ min: 0.5, max: 60 }),
        8,
      )
      .option("--seed <number>", "the same seed makes the same files", integerValue(), 0)
      .option("--workers <number>", "decoder processes; default: one a core", integerValue({ min: 1 }))
      .option("--resume", "go on with unfinished work (the same command does so without it as well)");
    videoOptions(command);
  },
  run: async (args, raw, context) => {
    const options = raw as unknown as BenchmarkOptions;
    const { selector, sets, mode, seed, pixels, window: windowSeconds } = options;
    const result = await fineVidBenchSet(
      {
        sources: sourcesOf(args[0] as readonly string[], options),
        columns: options.columns ?? {},
        out: options.out,
        settings: { selector, sets, mode, seed, pixels, windowSeconds, framesPerWindow: 48 },
        reading: chosenClips(raw),
        ...(options.synonyms !== undefined && { synonyms: options.synonyms }),
        ...(options.teacher !== undefined && { teacher: options.teacher }),
        ...(options.workers !== undefined && { workers: options.workers }),
      },
      context,
    );
    const { description, folder, rejectedByRule, teacher } = result;
    const { counts, tasks, contentHash } = description;
    const rules = Object.entries(rejectedByRule).map(([rule, count]) => `${rule} ${count}`);
    return {
      json: result,
      text: [
        `${counts.questions} questions about ${counts.clips} clips in ${folder}`,
        ...tasks.map(
          ({ task, questions, chance, textPrior }) =>
            `  ${task.padEnd(17)} ${String(questions).padStart(5)}   chance ${percent(chance)} %, text prior ${percent(textPrior)} %`,
        ),
        `rejected: ${counts.rejected}${rules.length === 0 ? "" : ` (${rules.join(", ")}); reasons in rejected.jsonl`}`,
        ...(teacher === null ? [] : [`teacher: ${teacher.tokens} tokens, cost ${teacher.cost.toFixed(4)}`]),
        `ask them: videoperceiver eval finevidbench --data ${options.out} --subject KIND:REF --out RUN`,
        `content ${contentHash}`,
      ].join("\n"),
      ...nothingMade(counts.questions, "question", rejectedByRule, context.warn),
    };
  },
});

export default finevidbench;
