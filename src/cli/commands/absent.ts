import { decideReplacements, framePrint, type PairRecord, pairOf } from "../../absent/build-pair.ts";
import { absentBuilders } from "../../absent/builders.ts";
import { drawPairSheet } from "../../absent/pair-sheet.ts";
import { writePair } from "../../absent/write-pair.ts";
import { ConfigError } from "../../core/errors.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import { analyseClip, type ClipOptions, chosenOf, clipOptions, scoringSize } from "../clip-analysis.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { openClips } from "../video-options.ts";

interface AbsentOptions extends ClipOptions {
  readonly builder: string;
  readonly out: string;
  readonly virtual?: boolean;
  readonly seed: string;
}

const decibels = (psnr: number | null): string => (psnr === null ? "identical" : `${psnr.toFixed(1)} dB`);

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
      .option("--seed <number>", "for builders that draw", "0")
      .requiredOption("--out <folder>", "where the pair goes");
  },
  run: async (args, raw, context) => {
    const file = args[0] as string;
    const options = raw as unknown as AbsentOptions;
    await chosenOf(options);
    const builder = await absentBuilders.make(options.builder);
    const seed = Number(options.seed);
    if (!Number.isSafeInteger(seed))
      throw new ConfigError("bad --seed", { expected: "a whole number", got: options.seed });
    await using clips = openClips(raw);
    const { video } = clips;
    const prints = new Map<number, string>();
    const takePrints = (batch: FrameBatch): void => {
      for (let at = 0; at < batch.frames.length; at++)
        prints.set(batch.frames[at]!.index, framePrint(batch, at));
    };
    const clip = await analyseClip(clips, file, options, context, takePrints);
    const record: PairRecord = {
      clip: { file, sha256: clip.sha256 },
      full: clip.info.timeline,
      sampled: clip.sampled,
      caption: options.caption,
      keywords: clip.keywords,
      ...(clip.keywordSource === undefined ? {} : { keywordSource: clip.keywordSource }),
      peaks: clip.rule,
      builder,
      seed,
      allowNothing: true,
    };
    const decided = decideReplacements(record, clip.scores);
    const indices = [...new Set(decided.replacements.flatMap(({ position, from }) => [position, from]))]
      .sort((a, b) => a - b)
      .map((position) => clip.sampled[position]!.index);
    // Scores that were known from before left no frames to look at.
    if (indices.some((index) => !prints.has(index)))
      for await (const batch of video.frames(
        file,
        { select: { kind: "indices", indices }, size: scoringSize(clip.info, 192), resizer: "zscale" },
        context.signal,
      ))
        takePrints(batch);
    const printOf = (position: number): string | undefined => prints.get(clip.sampled[position]!.index);
    const built = pairOf(record, clip.relevance, clip.scores, decided, (a, b) => printOf(a) === printOf(b));
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
    const { fidelity } = written;
    const nothing = written.pair.replacements.length === 0;
    const warning =
      "warning: nothing to take away, both clips show the same; try another --fps, --relevance or --builder";
    if (nothing && context.json) process.stderr.write(`${warning}\n`);
    const lines = [
      ...(nothing ? [warning] : []),
      `keywords: ${clip.keywords.join(", ") || "(none)"}`,
      `key frames: ${clip.keyFrames.length} of ${clip.sampled.length} scored (${(100 * built.keyFrameShare).toFixed(1)} %); ${written.pair.replacements.length} of ${clip.info.timeline.length} frames replaced`,
      ...(fidelity === undefined
        ? []
        : [
            `PSNR to the source: complete ${decibels(fidelity.completePsnr)}, absent ${decibels(fidelity.absentPsnr)}; untouched frames of both: ${decibels(fidelity.untouchedPsnr)}`,
          ]),
      ...written.files,
    ];
    return {
      json: {
        pair: written.pair,
        ...(clip.keywordUsage && { keywordUsage: clip.keywordUsage }),
        files: written.files,
        keyFrameShare: built.keyFrameShare,
        replacedShare: written.pair.replacements.length / clip.info.timeline.length,
        unchanged: built.unchanged + written.unchanged,
        fidelity: fidelity ?? null,
      },
      text: lines.join("\n"),
    };
  },
});

export default absent;
