import { Option } from "commander";
import { buildPair } from "../../absent/build-pair.ts";
import { absentBuilders, type PixelOperation } from "../../absent/builders.ts";
import { keywordExtractors } from "../../absent/keywords.ts";
import type { Pair } from "../../absent/pair.ts";
import { twinSources } from "../../absent/twin.ts";
import { ConfigError } from "../../core/errors.ts";
import type { OpenEngineOptions } from "../../engine/onnx/open.ts";
import { streamFrames } from "../../frames/read-frames.ts";
import { segmentTokensOf } from "../../model/qwen2_5_vl/segment-tokens.ts";
import { loadTokenizer } from "../../model/qwen2_5_vl/tokenizer.ts";
import { chooseRelevance } from "../../selection/relevance-choice.ts";
import type { VideoService } from "../../video/service.ts";
import type { VideoInfo } from "../../video/types.ts";
import { type AnswerRules, answerOptions, chosenRules } from "../ask/answer-rules.ts";
import type { Answerer, Look } from "../ask/answerer.ts";
import { ownAnswerer } from "../ask/own-answerer.ts";
import { processorAnswerer } from "../ask/processor-answerer.ts";
import { sampledFrames } from "../clip-analysis.ts";
import { type CommandContext, type CommandDefinition, defineCommand } from "../command.ts";
import { chosenEngine, engineOptions } from "../engine-options.ts";
import { modelFolder } from "../model-folder.ts";
import { listValue, numberValue } from "../option-values.ts";
import { type Clips, openClips, videoOptions } from "../video-options.ts";

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

/** A virtual pair over the frames that the model looks at, so that what is taken away is what it would have seen. */
const pairOf = async (
  { video, sha256 }: Clips,
  file: string,
  info: VideoInfo,
  look: Look,
  question: string,
  options: AskOptions,
  signal: AbortSignal,
): Promise<{ pair: Pair; pixels: PixelOperation | undefined }> => {
  const { definition, made } = await chooseRelevance(options.relevance);
  const builder = await absentBuilders.make(options.builder);
  const caption = options.caption ?? question;
  let keywords: readonly string[] = options.keywords ?? [];
  if (keywords.length === 0 && definition.usesText) {
    const extractor = await keywordExtractors.make("offline");
    const outcome = await extractor.value.extract(caption, signal);
    if (outcome.status !== "ok")
      throw new ConfigError("no keywords in the caption", {
        got: caption,
        hint: "say what happens with --caption, or give --keywords a,b",
      });
    keywords = outcome.keywords;
  }
  const sampled = [...new Set(look.indices)].map((index) => info.timeline[index]!);
  try {
    const { pair } = await buildPair({
      clip: { file, sha256: await sha256(file) },
      full: info.timeline,
      sampled,
      caption,
      keywords,
      peaks: definition.keyFrameRule,
      builder,
      seed: 0,
      allowNothing: true,
      frames: sampledFrames(video, file, info, sampled, definition, signal),
      relevance: made,
      context: { signal },
    });
    return { pair, pixels: builder.value.pixels };
  } finally {
    await made.value.close?.();
  }
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
      ? await pairOf(clips, file, info, look, question, options, signal)
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
  const { pair, pixels } = compared;
  const declared = new Set(pair.replacements.map(({ index }) => index as number));
  const twin = look.indices.map((index, t) => {
    const frame = found.get(sources[t]!)!;
    if (pixels === undefined || !declared.has(index)) return frame;
    const changed = frame.slice();
    pixels(changed, look.width, look.height);
    return changed;
  });
  return { ...seen, answer, absent: { answer: await shownAs(twin), pair } };
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
