import { decideReplacements, pairOf } from "../../absent/build-pair.ts";
import { absentBuilders } from "../../absent/builders.ts";
import { drawPairSheet } from "../../absent/pair-sheet.ts";
import { type WrittenPair, writePair } from "../../absent/write-pair.ts";
import { checkOutput } from "../../core/output-place.ts";
import { type AnalysedClip, analyseClip, pairRecordOf } from "../clip-analysis.ts";
import { type ClipOptions, chosenOf, clipOptions } from "../clip-options.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { FramePrints } from "../frame-prints.ts";
import { integerValue } from "../option-values.ts";
import { openClips } from "../video-options.ts";

interface AbsentOptions extends ClipOptions {
  readonly builder: string;
  readonly out: string;
  readonly virtual?: boolean;
  readonly seed: number;
}

const decibels = (psnr: number | null): string => (psnr === null ? "identical" : `${psnr.toFixed(1)} dB`);

const nothingWarning =
  "warning: nothing to take away, both clips show the same; try another --fps, --relevance or --builder";

/** What was made, in lines for a person. */
const described = (clip: AnalysedClip, { pair, files, fidelity }: WrittenPair): string[] => {
  const [keys, scored] = [clip.keyFrames.length, clip.sampled.length];
  return [
    `keywords: ${clip.keywords.join(", ") || "(none)"}`,
    `key frames: ${keys} of ${scored} scored (${((100 * keys) / scored).toFixed(1)} %); ${pair.replacements.length} of ${clip.info.timeline.length} frames replaced`,
    ...(fidelity === undefined
      ? []
      : [
          `PSNR to the source: complete ${decibels(fidelity.completePsnr)}, absent ${decibels(fidelity.absentPsnr)}; untouched frames of both: ${decibels(fidelity.untouchedPsnr)}`,
        ]),
    ...files,
  ];
};

/** The command. */
const absent: CommandDefinition = defineCommand({
  summary: "a clip and its twin without the decisive frames",
  configure: (command) => {
    clipOptions(command);
    command
      .option(
        "--builder <name>",
        `how frames are taken away: ${absentBuilders.names().join(", ")}`,
        "previous-frame",
      )
      .option("--virtual", "write pair.json and sheet.png only; the twin is read through the replacements")
      .option("--seed <number>", "for builders that draw", integerValue(), 0)
      .requiredOption("--out <folder>", "where the pair goes");
  },
  run: async (args, raw, context) => {
    const file = args[0] as string;
    const options = raw as unknown as AbsentOptions;
    await chosenOf(options);
    const builder = await absentBuilders.make(options.builder);
    checkOutput(options.out, "folder");
    await using clips = openClips(raw);
    const { video } = clips;
    const prints = new FramePrints();
    const clip = await analyseClip(clips, file, options, context, prints.look);
    const { caption, seed } = options;
    const record = pairRecordOf(clip, { file, caption, builder, seed });
    const decided = decideReplacements(record, clip.scores);
    await prints.complete(video, file, clip, decided, context.signal);
    const indexOf = (position: number): number => clip.sampled[position]!.index;
    const built = pairOf(record, clip.relevance, clip.scores, decided, (a, b) =>
      prints.same(indexOf(a), indexOf(b)),
    );
    const written = await writePair({
      video: clips.direct,
      file,
      info: clip.info,
      pair: built.pair,
      ...(builder.value.pixels && { pixels: builder.value.pixels }),
      folder: options.out,
      virtual: options.virtual === true,
      sheet: (output, pair) =>
        drawPairSheet({
          video,
          file,
          info: clip.info,
          pair,
          output,
          signal: context.signal,
          ...(builder.value.pixels && { pixels: builder.value.pixels }),
        }),
      signal: context.signal,
    });
    const nothing = written.pair.replacements.length === 0;
    if (nothing && context.json) process.stderr.write(`${nothingWarning}\n`);
    return {
      json: {
        pair: written.pair,
        ...(clip.keywordUsage && { keywordUsage: clip.keywordUsage }),
        files: written.files,
        keyFrameShare: built.keyFrameShare,
        replacedShare: written.pair.replacements.length / clip.info.timeline.length,
        unchanged: built.unchanged + written.unchanged,
        fidelity: written.fidelity ?? null,
      },
      text: [...(nothing ? [nothingWarning] : []), ...described(clip, written)].join("\n"),
    };
  },
});

export default absent;
