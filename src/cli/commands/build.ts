import type { Command } from "commander";
import { absentBuilders, usualBuilder } from "../../absent/builders.ts";
import { keywordExtractors } from "../../absent/keywords.ts";
import type { ScoredRate } from "../../absent/scored-frames.ts";
import { ConfigError } from "../../core/errors.ts";
import { datasetFilters } from "../../dataset/filter.ts";
import { questionBuilders } from "../../dataset/questions.ts";
import { teachers } from "../../dataset/teacher.ts";
import { type BuildRequest, type BuildResult, buildDataset } from "../../jobs/build/build.ts";
import { describeBuild } from "../../jobs/build/open-build.ts";
import type { ClipStore } from "../../jobs/build/protocol.ts";
import { relevanceProviders } from "../../selection/relevance.ts";
import { inPercent } from "../clip-options.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { nothingMade } from "../nothing-made.ts";
import { choiceValue, integerValue, listValue, namesValue, rateValue, shareValue } from "../option-values.ts";
import { type SourceOptions, sourceOptions, sourcesOf } from "../source-options.ts";
import { splitOption, splitShares } from "../split-option.ts";
import { chosenClips, videoOptions } from "../video-options.ts";

interface BuildOptions extends SourceOptions {
  readonly out: string;
  readonly relevance: string;
  readonly builder: string;
  readonly extractor: string;
  readonly fps: ScoredRate;
  readonly questions: readonly string[];
  readonly teacher?: string;
  readonly rules?: readonly string[];
  readonly skipRules?: readonly string[];
  readonly decisions?: string;
  readonly notIn?: readonly string[];
  readonly split?: Readonly<Record<string, string>>;
  readonly store: ClipStore;
  readonly untwinned?: boolean;
  readonly sparsify?: number;
  readonly dryRun?: boolean;
  readonly seed: number;
  readonly workers?: number;
  readonly attempts: number;
  readonly queue?: string;
  readonly plugin?: readonly string[];
}

const pairOptions = (command: Command): Command =>
  command
    .option(
      "--relevance <name[:arg]>",
      `what finds the decisive frames: ${relevanceProviders.names().join(", ")}; auto: known events, else motion`,
      "auto",
    )
    .option(
      "--builder <name[:key=value,...]>",
      `how they are taken away: ${absentBuilders.names().join(", ")}`,
      usualBuilder,
    )
    .option(
      "--extractor <name[:key=value,...]>",
      `keyword extractor: ${keywordExtractors.names().join(", ")}`,
      "offline",
    )
    .option(
      "--fps <rate>",
      'frames scored per second, "all", or "auto": 8, all of known events',
      rateValue,
      "auto",
    )
    .option(
      "--questions <a,b:key=value>",
      `what asks about rows without a question: ${questionBuilders.names().join(", ")}`,
      namesValue,
      questionBuilders.names(),
    )
    .option(
      "--teacher <name:URL#MODEL>",
      `who looks at clips and writes captions and facts that questions ask about: ${teachers.names().join(", ")}`,
    )
    .option(
      "--sparsify <share>",
      "choose each sample's frames so that about this share of them lies in its events (else around its key frames), e.g. 0.05; they keep their true times",
      shareValue,
    )
    .option("--untwinned", "keep rows of which nothing could be taken away, without a twin");

const ruleOptions = (command: Command): Command =>
  command
    .option(
      "--rules <a,b:key=value>",
      `only these rules check samples (and not-in with --not-in): ${datasetFilters.names().join(", ")}`,
      namesValue,
    )
    .option("--skip-rules <a,b>", "all rules but these", listValue)
    .option(
      "--not-in <place...>",
      "clips that must not get in: data sets, clips or folders of them, annotation files, lists of names or hashes",
    )
    .option("--decisions <file>", "what was accepted and rejected on the data set's page");

const described = (result: BuildResult): string => {
  const { description, folder, pairs, rejectedByRule, meanShare, meanEventsGone, textLeak } = result;
  const { samples, clips, rejected } = description.counts;
  const rules = Object.entries(rejectedByRule).map(([rule, count]) => `${rule} ${count}`);
  return [
    `${clips} clips, ${pairs} pairs, ${samples} samples in ${folder}`,
    ...(meanShare === null
      ? []
      : [
          `replaced: ${inPercent(meanShare)} of a clip on average${meanEventsGone === null ? "" : `, ${inPercent(meanEventsGone)} of its events`}`,
        ]),
    `rejected: ${rejected}${rejected === 0 ? "" : ` (${rules.join(", ")}); reasons in rejected.jsonl`}`,
    `without looking: ${textLeak.headline.replaceAll("*", "")}`,
    ...(result.keywords === null
      ? []
      : [`keywords: ${result.keywords.tokens} tokens, cost ${result.keywords.cost.toFixed(4)}`]),
    ...(result.teacher === null
      ? []
      : [`teacher: ${result.teacher.tokens} tokens, cost ${result.teacher.cost.toFixed(4)}`]),
    ...(result.clipsPerMinute === null ? [] : [`${result.clipsPerMinute.toFixed(0)} clips a minute`]),
    `content ${description.contentHash}`,
  ].join("\n");
};

const build: CommandDefinition = defineCommand({
  summary: "a data set of pairs and questions from clips with captions or annotations",
  configure: (command) => {
    ruleOptions(pairOptions(sourceOptions(command)))
      .requiredOption("--out <folder>", "the data set folder; an unfinished one is finished")
      .option(
        "--store <how>",
        "how clips get there: link (a second name of the file, else a copy), copy, refer (a path)",
        choiceValue(["link", "copy", "refer"]),
        "link",
      )
      .option("--seed <number>", "for builders and questions that draw", integerValue(), 0)
      .option("--workers <number>", "worker processes; default: one a core", integerValue({ min: 0 }))
      .option(
        "--attempts <number>",
        "how often a clip may cost its worker before it is given up",
        integerValue({ min: 1 }),
        3,
      )
      .option("--queue <url>", "postgres://USER@HOST:PORT/DATABASE: machines with `worker --queue` help")
      .option("--dry-run", "only say how much there is to do, and what asking endpoints would take")
      .option("--resume", "go on with an unfinished build (the same command does so without it as well)");
    splitOption(command);
    videoOptions(command);
  },
  run: async (args, raw, context) => {
    const options = raw as unknown as BuildOptions;
    const split = splitShares(options.split);
    if (options.workers === 0 && options.queue === undefined)
      throw new ConfigError("--workers 0 leaves the work to others", { hint: "give --queue as well" });
    const request: BuildRequest = {
      sources: sourcesOf(args[0] as readonly string[], options),
      columns: options.columns ?? {},
      out: options.out,
      settings: {
        relevance: options.relevance,
        builder: options.builder,
        extractor: options.extractor,
        scored: options.fps,
        questions: options.questions,
        seed: options.seed,
        store: options.store,
        untwinned: options.untwinned === true,
        ...(options.sparsify !== undefined && { sparsify: options.sparsify }),
      },
      ...(options.teacher !== undefined && { teacher: options.teacher }),
      reading: chosenClips(raw),
      plugins: options.plugin ?? [],
      ...(options.rules && { rules: options.rules }),
      skippedRules: options.skipRules ?? [],
      notIn: options.notIn ?? [],
      ...(options.decisions !== undefined && { decisions: options.decisions }),
      ...(split && { split }),
      ...(options.workers !== undefined && { workers: options.workers }),
      attempts: options.attempts,
      ...(options.queue !== undefined && { queue: options.queue }),
    };
    if (options.dryRun === true) {
      const outlook = await describeBuild(request, context);
      const { clips, rows, unusable, clipsLeft, lines } = outlook;
      const counts = `${clips} clips with ${rows} rows, ${clipsLeft} still to be made; ${unusable} rows that cannot be used`;
      return {
        json: outlook,
        text: [counts, ...(lines.length > 0 ? lines : ["no endpoint is asked"])].join("\n"),
      };
    }
    const result = await buildDataset(request, context);
    for (const warning of result.warnings) context.warn(warning);
    const { description, rejectedByRule } = result;
    const status = nothingMade(description.counts.samples, "sample", rejectedByRule, context.warn);
    return { json: result, text: described(result), ...status };
  },
});

export default build;
