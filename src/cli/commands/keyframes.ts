import { scoreMeaning } from "../../absent/score-meaning.ts";
import { twinRemarks } from "../../absent/twin-remarks.ts";
import { ConfigError } from "../../core/errors.ts";
import { eachClip } from "../../jobs/each-clip.ts";
import { type FoundKeyFrames, findKeyFrames } from "../../jobs/find-key-frames.ts";
import { openChoices } from "../../jobs/make-pair.ts";
import {
  builderOption,
  type ClipOptions,
  chosenNamedClips,
  chosenPair,
  clipOptions,
  failureLines,
  inPercent,
  relevanceOutlook,
  requestFor,
} from "../clip-options.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { shareValue } from "../option-values.ts";
import { chosenClips } from "../video-options.ts";

interface KeyFramesOptions extends ClipOptions {
  readonly html?: string;
  readonly sparsify?: number;
}

/** What was found, in lines for a person. */
const described = ({ made, sparsified }: FoundKeyFrames, builder: string): string[] => {
  const { pair, keyPositions, keyFrameShare } = made;
  return [
    `keywords: ${pair.keywords.join(", ") || "(none)"}`,
    `relevance: ${scoreMeaning(pair.relevance.name, made.relevance)}`,
    `key frames: ${keyPositions.length} of ${pair.timeline.length} scored (${inPercent(keyFrameShare)})`,
    ...keyPositions.map((position) => {
      const { index, timeSeconds } = pair.timeline[position]!;
      return `  frame ${index} at ${timeSeconds.toFixed(3)} s  score ${pair.scores[position]!.toFixed(3)}`;
    }),
    `a twin by ${builder} would have`,
    ...twinRemarks(made).map((line) => `  ${line}`),
    ...(sparsified === undefined
      ? []
      : [
          `sparsified: ${sparsified.indices.length} frames, ${inPercent(sparsified.keyShare)} around key frames${sparsified.reached ? "" : " (the target cannot be reached)"}`,
          `  ${sparsified.indices.join(" ")}`,
        ]),
  ];
};

/** What was found, as the JSON document of a clip. */
const document = ({ made, sparsified }: FoundKeyFrames): Record<string, unknown> => {
  const { pair } = made;
  const key = new Set(made.keyPositions);
  return {
    keywords: pair.keywords,
    ...(made.keywordUsage && { keywordUsage: made.keywordUsage }),
    relevance: pair.relevance,
    unit: made.relevance.unit,
    readCaption: made.relevance.usesText,
    keyFrameShare: made.keyFrameShare,
    replacedShare: made.replacedShare,
    frames: pair.timeline.map(({ index, timeSeconds }, position) => ({
      index,
      timeSeconds,
      score: pair.scores[position]!,
      isKey: key.has(position),
    })),
    ...(sparsified && { sparsified }),
  };
};

const keyframes: CommandDefinition = defineCommand({
  summary: "which frames of a clip are decisive for a caption, and how relevant each one is",
  configure: (command) => {
    clipOptions(command);
    command
      .option(
        "--html <file>",
        "write one self-contained page: both clips in step, curve, keywords, provenance",
      )
      .option(
        "--sparsify <share>",
        "also sample the clip so that about this share of the frames lies around its key frames, e.g. 0.05",
        shareValue,
      );
    builderOption(command, "how the page's twin is made");
  },
  run: async (args, raw, context) => {
    const options = raw as unknown as KeyFramesOptions;
    const { html, sparsify } = options;
    const request = chosenPair(options);
    const how = {
      clips: chosenClips(raw),
      ...(html !== undefined && { page: html }),
      ...(sparsify !== undefined && { sparsify }),
    };
    const { clips, one } = await chosenNamedClips((args[0] ?? []) as string[], options, context.warn);
    const outlook = await relevanceOutlook(request, clips, how.clips, options.dryRun === true, context);
    if (outlook !== undefined) return outlook;
    if (one !== undefined) {
      const found = await findKeyFrames({ ...how, file: one, request }, context);
      const page = html === undefined ? [] : [html];
      return { json: document(found), text: [...described(found, options.builder), ...page].join("\n") };
    }
    if (html !== undefined)
      throw new ConfigError("one page shows one clip", {
        expected: "one clip with --html",
        got: `${clips.length}`,
      });
    await using choices = await openChoices(request);
    const { done, failed } = await eachClip(
      clips,
      "key frames",
      (clip, _, quiet) =>
        findKeyFrames({ ...how, choices, file: clip.file, request: requestFor(request, clip) }, quiet),
      context,
    );
    return {
      json: { clips: done.map(({ file, result }) => ({ file, ...document(result) })), failed },
      text: [
        ...done.flatMap(({ file, result }) => [
          file,
          ...described(result, options.builder).map((line) => `  ${line}`),
        ]),
        ...failureLines(failed),
      ].join("\n"),
      ...(failed.length > 0 && { exitCode: 1 }),
    };
  },
});

export default keyframes;
