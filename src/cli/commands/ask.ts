import { Option } from "commander";
import { scoreMeaning } from "../../absent/score-meaning.ts";
import { ConfigError } from "../../core/errors.ts";
import type { LookRequest } from "../../jobs/ask/answerer.ts";
import { type Asked, ask, type Compared, type Said } from "../../jobs/ask/ask.ts";
import { answerOptions, chosenRules } from "../answer-options.ts";
import { builderOption, inPercent } from "../clip-options.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { chosenEngine, engineOptions } from "../engine-options.ts";
import { integerValue, listValue, numberValue, optionsValue, rateBounds } from "../option-values.ts";
import { chosenClips, videoOptions } from "../video-options.ts";

interface AskOptions extends LookRequest {
  readonly model: string;
  readonly adapter?: string;
  readonly options?: readonly string[];
  readonly compareAbsent?: boolean;
  readonly draws: number;
  readonly relevance: string;
  readonly caption?: string;
  readonly keywords?: readonly string[];
  readonly builder: string;
}

/** "left (3 of 5), right (2 of 5)". */
const counted = (said: readonly Said[]): string => {
  const counts = new Map<string, number>();
  for (const { answer } of said) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([answer, count]) => `${answer} (${count} of ${said.length})`)
    .join(", ");
};

/** Probabilities of the options, one line each: complete, absent, mean of the random removals. */
const optionLines = ({ options, compared }: Asked): string[] => {
  if (options === undefined) return [];
  const versions: [string, readonly Said[]][] = [["complete", [{ answer: "", options }]]];
  if (compared !== undefined) versions.push(["absent", [compared.absent]]);
  if (compared !== undefined && compared.randomRemoval.length > 0)
    versions.push(["random removal", compared.randomRemoval]);
  const mean = (said: readonly Said[], at: number): number =>
    said.reduce((sum, one) => sum + one.options![at]!.probability, 0) / said.length;
  return options.map(
    ({ option }, at) =>
      `  ${option}: ${versions.map(([name, said]) => `${inPercent(mean(said, at))} ${name}`).join(", ")}`,
  );
};

/** What the twin's answer says, with what was taken away. */
const verdictLines = (compared: Compared, { frames }: Asked): string[] => {
  const { takenFrames, takenShare, replacedShare, changes, randomRemoval, relevance, absent } = compared;
  if (takenFrames.length === 0) return ["nothing to take away: both clips show the model the same"];
  const times = takenFrames.map(({ timeSeconds }) => `${timeSeconds.toFixed(2)} s`).join(", ");
  const changed = randomRemoval.length * (compared.randomChangesShare ?? 0);
  const control =
    randomRemoval.length === 0
      ? "no control: the clip has no room for as many other frames, or --draws is 0"
      : `when as many random frames are taken away it changes in ${Math.round(changed)} of ${randomRemoval.length} draws`;
  return [
    `${changes ? "the answer changes" : "the same answer"} without the decisive frames; ${control}`,
    `taken away: ${takenFrames.length} of the ${new Set(frames.map(({ index }) => index)).size} frames that the model sees (${inPercent(takenShare)}), at ${times}; ${inPercent(replacedShare)} of the clip's frames`,
    `decisive by ${scoreMeaning(absent.pair.relevance.name, relevance)}`,
  ];
};

const described = (asked: Asked): string => {
  const { answer, compared } = asked;
  if (compared === undefined) return [answer, ...optionLines(asked)].join("\n");
  return [
    `complete: ${answer}`,
    `absent:   ${compared.absent.answer}`,
    ...(compared.randomRemoval.length === 0 ? [] : [`random:   ${counted(compared.randomRemoval)}`]),
    ...optionLines(asked),
    ...verdictLines(compared, asked),
  ].join("\n");
};

const command: CommandDefinition = defineCommand({
  summary: "an answer about a clip, and on request whether it changes when the decisive frames are gone",
  configure: (cli) => {
    cli
      .argument("<video>", "clip")
      .argument("<question>", "what to ask")
      .requiredOption(
        "--model <folder>",
        "checkpoint: of the quickstart, or of the Qwen2.5-VL family; a folder, a run's folder or a hub name",
      )
      .option("--options <a;b;c>", "also say how probable each of these answers is", optionsValue)
      .option(
        "--compare-absent",
        "ask again about the absent twin, and about clips without as many random frames",
      )
      .option(
        "--draws <count>",
        "random removals of --compare-absent",
        integerValue({ min: 0, max: 1000 }),
        5,
      )
      .option("--relevance <name[:arg]>", "what finds the decisive frames", "motion")
      .option(
        "--caption <text>",
        "what happens in the clip, for relevance by text; the question when left out",
      )
      .option("--keywords <a,b>", "use these instead of extracting them from the caption", listValue);
    builderOption(cli, "how frames are taken away")
      .option(
        "--fps <rate>",
        "frames a second that the model sees; its own when left out",
        numberValue(rateBounds),
      )
      .option("--frames <count>", "so many frames instead of a rate", integerValue({ min: 1, max: 1e5 }))
      .option("--min-pixels <count>", "fewest pixels of a frame", integerValue({ min: 1 }))
      .option("--max-pixels <count>", "most pixels of a frame", integerValue({ min: 1 }))
      .option(
        "--total-pixels <count>",
        "most pixels of all pairs of frames together",
        integerValue({ min: 1 }),
      )
      .option(
        "--adapter <folder>",
        "LoRA adapter (PEFT) of the checkpoint; a run that trained one is given as --model itself",
      )
      .addOption(
        new Option(
          "--decode-weights <form>",
          "matrices while the answer is generated; float32 (the default), int8: 8 bits, faster",
        ).choices(["float32", "int8"]),
      );
    answerOptions(cli);
    engineOptions(cli);
    videoOptions(cli);
  },
  run: async (args, raw, context) => {
    const [file, question] = args as [string, string];
    if (question.trim() === "") throw new ConfigError("empty question", { expected: "words to ask" });
    const given = raw as unknown as AskOptions;
    const { model, adapter, relevance, builder, caption = question, keywords } = given;
    const { fps, frames, minPixels, maxPixels, totalPixels } = given;
    const rules = chosenRules(raw);
    const request = { caption, relevance, builder, ...(keywords && { keywords }) };
    const asked = await ask(
      {
        file,
        question,
        model,
        ...(adapter !== undefined && { adapter }),
        engine: chosenEngine(raw),
        rules,
        look: {
          ...(fps !== undefined && { fps }),
          ...(frames !== undefined && { frames }),
          ...(minPixels !== undefined && { minPixels }),
          ...(maxPixels !== undefined && { maxPixels }),
          ...(totalPixels !== undefined && { totalPixels }),
        },
        options: given.options ?? [],
        ...(given.compareAbsent === true && { compare: { request, draws: given.draws } }),
        clips: chosenClips(raw),
      },
      context,
    );
    const { compared, ...rest } = asked;
    const { relevance: meaning, ...comparison } = compared ?? { relevance: undefined };
    return {
      json: {
        ...rest,
        question,
        sampling: rules,
        ...comparison,
        ...(meaning && { unit: meaning.unit, readCaption: meaning.usesText }),
      },
      text: described(asked),
    };
  },
});

export default command;
