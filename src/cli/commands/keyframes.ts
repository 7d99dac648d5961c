import { scoreMeaning } from "../../absent/score-meaning.ts";
import { type FoundKeyFrames, findKeyFrames } from "../../jobs/find-key-frames.ts";
import { builderOption, type ClipOptions, chosenPair, clipOptions, inPercent } from "../clip-options.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { shareValue } from "../option-values.ts";
import { chosenClips } from "../video-options.ts";

interface KeyFramesOptions extends ClipOptions {
  readonly html?: string;
  readonly sparsify?: number;
}

/** What was found, in lines for a person. */
const described = ({ made, sparsified }: FoundKeyFrames, builder: string): string[] => {
  const { pair, keyPositions, keyFrameShare, view, source } = made;
  const [gone, all] = [view.changed.length, source.timeline.length];
  return [
    `keywords: ${pair.keywords.join(", ") || "(none)"}`,
    `relevance: ${scoreMeaning(pair.relevance.name, made.relevance)}`,
    `key frames: ${keyPositions.length} of ${pair.timeline.length} scored (${inPercent(keyFrameShare)})`,
    ...keyPositions.map((position) => {
      const { index, timeSeconds } = pair.timeline[position]!;
      return `  frame ${index} at ${timeSeconds.toFixed(3)} s  score ${pair.scores[position]!.toFixed(3)}`;
    }),
    `a twin by ${builder} would replace ${gone} of the clip's ${all} frames (${inPercent(made.replacedShare)})`,
    ...(sparsified === undefined
      ? []
      : [
          `sparsified: ${sparsified.indices.length} frames, ${inPercent(sparsified.keyShare)} around key frames${sparsified.reached ? "" : " (the target cannot be reached)"}`,
          `  ${sparsified.indices.join(" ")}`,
        ]),
  ];
};

/** The command. */
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
    const job = {
      file: args[0] as string,
      request: chosenPair(options),
      clips: chosenClips(raw),
      ...(html !== undefined && { page: html }),
      ...(sparsify !== undefined && { sparsify }),
    };
    const found = await findKeyFrames(job, context);
    const { made, sparsified } = found;
    const { pair } = made;
    const key = new Set(made.keyPositions);
    const frames = pair.timeline.map(({ index, timeSeconds }, position) => ({
      index,
      timeSeconds,
      score: pair.scores[position]!,
      isKey: key.has(position),
    }));
    return {
      json: {
        keywords: pair.keywords,
        ...(made.keywordUsage && { keywordUsage: made.keywordUsage }),
        relevance: pair.relevance,
        unit: made.relevance.unit,
        readCaption: made.relevance.usesText,
        keyFrameShare: made.keyFrameShare,
        replacedShare: made.replacedShare,
        frames,
        ...(sparsified && { sparsified }),
      },
      text: [...described(found, options.builder), ...(html === undefined ? [] : [html])].join("\n"),
    };
  },
});

export default keyframes;
