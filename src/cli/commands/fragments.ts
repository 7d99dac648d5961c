import { fragmentTasks } from "../../fragments/fragment-task.ts";
import { parseSource } from "../../jobs/build/plan-clips.ts";
import type { ClipStore } from "../../jobs/build/protocol.ts";
import { fragmentsDataset } from "../../jobs/fragments/fragments.ts";
import type { FragmentForm, FragmentMode } from "../../jobs/fragments/protocol.ts";
import { frameSelectors } from "../../selection/selectors.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { nothingMade } from "../nothing-made.ts";
import { choiceValue, integerValue, namesValue, numberValue } from "../option-values.ts";
import { splitOption, splitShares } from "../split-option.ts";
import { chosenClips, videoOptions } from "../video-options.ts";

interface FragmentsOptions {
  readonly out: string;
  readonly clips?: string;
  readonly perClip: number;
  readonly tasks: readonly string[];
  readonly selector: string;
  readonly form: FragmentForm;
  readonly mode: FragmentMode;
  readonly pixels: number;
  readonly window: number;
  readonly store: ClipStore;
  readonly notIn?: readonly string[];
  readonly split?: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly workers?: number;
}

const fragments: CommandDefinition = defineCommand({
  summary: "questions from unlabelled clips themselves: count, compare, find, check and restore order",
  configure: (command) => {
    command
      .argument("<source...>", "folders of clips, data sets, or other sources of `build`: PATH or KIND=PATH")
      .requiredOption("--out <folder>", "the data set folder; an unfinished one is finished")
      .option("--clips <folder>", "where the clips of the sources are; default: beside each source")
      .option("--per-clip <number>", "fragments of a clip", integerValue({ min: 1 }), 3)
      .option(
        "--tasks <a,b>",
        `what is asked: ${fragmentTasks.names().join(", ")}`,
        namesValue,
        fragmentTasks.names(),
      )
      .option(
        "--selector <name[:key=value]>",
        `what chooses a fragment's frames: ${frameSelectors.names().join(", ")}`,
        "motion_guided",
      )
      .option(
        "--form <how>",
        "images: pictures as files; clip: a short clip, a second a picture",
        choiceValue(["images", "clip"]),
        "images",
      )
      .option(
        "--mode <how>",
        "independent: every question alone; dialogue: the questions about a fragment follow each other",
        choiceValue(["independent", "dialogue"]),
        "independent",
      )
      .option(
        "--pixels <number>",
        "longest side of a shown picture",
        integerValue({ min: 32, max: 2048 }),
        336,
      )
      .option(
        "--window <seconds>",
        "length of the parts of a longer clip that fragments are drawn from",
        numberValue({ min: 0.5, max: 600 }),
        8,
      )
      .option(
        "--store <how>",
        "how clips get there beside pictures: link, copy, refer (a path)",
        choiceValue(["link", "copy", "refer"]),
        "link",
      )
      .option(
        "--not-in <place...>",
        "clips that must not get in: data sets, clips or folders of them, annotation files, lists of names or hashes",
      )
      .option("--seed <number>", "the same seed makes the same files", integerValue(), 0)
      .option(
        "--workers <number>",
        "decoder processes, of many clips with a thread each; default: one a core",
        integerValue({ min: 1 }),
      )
      .option("--resume", "go on with unfinished work (the same command does so without it as well)");
    splitOption(command);
    videoOptions(command);
  },
  run: async (args, raw, context) => {
    const options = raw as unknown as FragmentsOptions;
    const {
      clips,
      window: windowSeconds,
      perClip,
      tasks,
      selector,
      form,
      mode,
      pixels,
      store,
      seed,
    } = options;
    const split = splitShares(options.split);
    const result = await fragmentsDataset(
      {
        sources: (args[0] as readonly string[]).map((text) => ({
          ...parseSource(text),
          ...(clips !== undefined && { clips }),
        })),
        out: options.out,
        settings: {
          tasks,
          selector,
          perClip,
          seed,
          form,
          mode,
          pixels,
          windowSeconds,
          framesPerWindow: 48,
          store,
        },
        reading: chosenClips(raw),
        notIn: options.notIn ?? [],
        ...(split && { split }),
        ...(options.workers !== undefined && { workers: options.workers }),
      },
      context,
    );
    const { description, folder, rejectedByRule } = result;
    const { counts, skills, contentHash } = description;
    const list = (of: Readonly<Record<string, number>>): string =>
      Object.entries(of)
        .map(([name, count]) => `${name} ${count}`)
        .join(", ");
    const rejected = counts.rejected === 0 ? "" : ` (${list(rejectedByRule)}); reasons in rejected.jsonl`;
    return {
      json: result,
      text: `${counts.samples} questions in ${folder}: ${list(skills)}\nrejected: ${counts.rejected}${rejected}\ncontent ${contentHash}`,
      ...nothingMade(counts.samples, "question", rejectedByRule, context.warn),
    };
  },
});

export default fragments;
