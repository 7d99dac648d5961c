import { Option } from "commander";
import { absentBuilders } from "../../absent/builders.ts";
import type { Pair } from "../../absent/pair.ts";
import { twinSources } from "../../absent/twin.ts";
import { ConfigError } from "../../core/errors.ts";
import type { OpenEngineOptions } from "../../engine/onnx/open.ts";
import { streamFrames } from "../../frames/read-frames.ts";
import { segmentTokensOf } from "../../model/segment-tokens.ts";
import { loadTokenizer } from "../../text/tokenizer.ts";
import type { VideoService } from "../../video/service.ts";
import { type AnswerRules, answerOptions, chosenRules } from "../ask/answer-rules.ts";
import type { Answerer, Look } from "../ask/answerer.ts";
import { lookedAtPair, type TwinChoices, twinFrames } from "../ask/looked-at-pair.ts";
import { ownAnswerer } from "../ask/own-answerer.ts";
import { processorAnswerer } from "../ask/processor-answerer.ts";
import { type CommandContext, type CommandDefinition, defineCommand } from "../command.ts";
import { chosenEngine, engineOptions } from "../engine-options.ts";
import { modelFolder } from "../model-folder.ts";
import { listValue, numberValue } from "../option-values.ts";
import { openClips, videoOptions } from "../video-options.ts";

interface AskOptions {
  readonly model: string;
  readonly compareAbsent?: boolean;
  readonly relevance: string;
  readonly caption?: string;
  readonly keywords?: string[];
  readonly builder: string;
  readonly fps?: number;
  readonly adapter?: string;
  readonly engine: OpenEngineOptions;
  readonly rules: AnswerRules;
}

const openAnswerer = async ({ model, adapter, engine }: AskOptions): Promise<Answerer> => {
  const tokenizer = loadTokenizer(model);
  const tokens = segmentTokensOf(tokenizer);
  if (tokens === undefined) return processorAnswerer(model, engine, adapter);
  if (adapter !== undefined)
    throw new ConfigError("adapter for a model of our own", {
      where: "--adapter",
      expected: "a checkpoint of the Qwen2.5-VL family",
    });
  return ownAnswerer(model, tokenizer, tokens, engine);
};

/** Each wanted frame once, at the look's size, by index. */
const pictures = async (
  video: VideoService,
  file: string,
  indices: readonly number[],
  look: Look,
  answerer: Answerer,
  signal: AbortSignal,
): Promise<Map<number, Uint8Array>> => {
  const wanted = [...new Set(indices)].sort((a, b) => a - b);
  const found = new Map<number, Uint8Array>();
  const request = { select: { kind: "indices", indices: wanted } } as const;
  for await (const batch of streamFrames(video, file, request, signal))
    for (let at = 0; at < batch.frames.length; at++)
      found.set(batch.frames[at]!.index, answerer.resize(batch, at, look).slice());
  return found;
};

const twinChoices = (
  { relevance, builder, caption, keywords }: AskOptions,
  question: string,
): TwinChoices => ({
  relevance,
  builder,
  caption: caption ?? question,
  keywords: keywords ?? [],
});

const ask = async (
  file: string,
  question: string,
  options: AskOptions,
  { signal }: CommandContext,
): Promise<Record<string, unknown> & { answer: string; absent?: { answer: string; pair: Pair } }> => {
  await using clips = openClips({ ...options });
  const { video } = clips;
  const info = await video.probe(file, signal);
  await using answerer = await openAnswerer(options);
  const look = answerer.look(info, options.fps);
  const compared =
    options.compareAbsent === true
      ? await lookedAtPair(clips, info, look, twinChoices(options, question), signal)
      : undefined;
  const sources = twinSources(look.indices, compared?.pair.replacements ?? []);
  const found = await pictures(video, file, [...look.indices, ...sources], look, answerer, signal);
  const shownAs = (frames: readonly Uint8Array[]): Promise<string> => {
    signal.throwIfAborted();
    return answerer.answer({ ...look, frames }, question, options.rules);
  };
  const answer = await shownAs(look.indices.map((index) => found.get(index)!));
  const seen = {
    model: options.model,
    kind: answerer.kind,
    question,
    sampling: options.rules,
    frames: look.indices.map((index) => info.timeline[index]!),
    width: look.width,
    height: look.height,
  };
  if (compared === undefined) return { ...seen, answer };
  const twin = twinFrames(compared, look, (position) => found.get(sources[position]!)!);
  return { ...seen, answer, absent: { answer: await shownAs(twin), pair: compared.pair } };
};

/** The command. */
const command: CommandDefinition = defineCommand({
  summary: "an answer about a clip, and on request whether it changes when the decisive frames are gone",
  configure: (cli) => {
    cli
      .argument("<video>", "clip")
      .argument("<question>", "what to ask")
      .requiredOption(
        "--model <folder>",
        "checkpoint: of the quickstart, or of the Qwen2.5-VL family; a folder or a hub name",
      )
      .option("--compare-absent", "ask again about the absent twin")
      .option("--relevance <name[:arg]>", "what finds the decisive frames", "motion")
      .option(
        "--caption <text>",
        "what happens in the clip, for relevance by text; the question when left out",
      )
      .option("--keywords <a,b>", "use these instead of extracting them from the caption", listValue)
      .option(
        "--builder <name>",
        `how frames are taken away: ${absentBuilders.names().join(", ")}`,
        "previous-frame",
      )
      .option(
        "--fps <rate>",
        "frames a second that the model sees; its own when left out",
        numberValue({ min: 0.01 }),
      )
      .option("--adapter <folder>", "LoRA adapter (PEFT) of a checkpoint of the Qwen2.5-VL family")
      .addOption(
        new Option("--decode-weights <form>", "matrices while the answer is generated; int8: 8 bits, faster")
          .choices(["float32", "int8"])
          .default("float32"),
      );
    answerOptions(cli);
    engineOptions(cli);
    videoOptions(cli);
  },
  run: async (args, raw, context) => {
    const [file, question] = args as [string, string];
    if (question.trim() === "") throw new ConfigError("empty question", { expected: "words to ask" });
    const given = raw as unknown as AskOptions;
    const options = {
      ...given,
      model: await modelFolder(given.model, "--model", context),
      ...(given.adapter === undefined
        ? {}
        : { adapter: await modelFolder(given.adapter, "--adapter", context) }),
      engine: { ...chosenEngine(raw), signal: context.signal },
      rules: chosenRules(raw),
    };
    const result = await ask(file, question, options, context);
    const { answer, absent } = result;
    if (absent === undefined) return { json: result, text: answer };
    const { pair } = absent;
    const changes = absent.answer !== answer;
    const times = new Map(pair.timeline.map(({ index, timeSeconds }) => [index as number, timeSeconds]));
    const taken =
      pair.replacements.length === 0
        ? "nothing to take away: both clips show the same"
        : `${pair.keyFrames.length} of ${pair.timeline.length} frames taken away, at ${pair.keyFrames.map((index) => `${times.get(index)!.toFixed(2)} s`).join(", ")}`;
    return {
      json: { ...result, changes },
      text: [
        `complete: ${answer}`,
        `absent:   ${absent.answer}`,
        `${changes ? "the answer changes" : "the same answer"} (${taken})`,
      ].join("\n"),
    };
  },
});

export default command;
