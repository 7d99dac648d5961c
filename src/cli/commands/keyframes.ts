import { dirname } from "node:path";
import { absentBuilders } from "../../absent/builders.ts";
import { makeFolder, writeFileAtomic } from "../../core/files.ts";
import { checkOutput } from "../../core/output-place.ts";
import { analyseClip } from "../clip-analysis.ts";
import { type ClipOptions, chosenOf, clipOptions } from "../clip-options.ts";
import { renderPairPage } from "../clip-page.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { sparsifiedFrames, sparsifyShare } from "../sparsified-frames.ts";
import { openClips } from "../video-options.ts";

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
      )
      .option(
        "--builder <name>",
        `how the page's twin is made: ${absentBuilders.names().join(", ")}`,
        "previous-frame",
      );
  },
  run: async (args, raw, context) => {
    const file = args[0] as string;
    const options = raw as unknown as ClipOptions & { html?: string; builder: string; sparsify?: string };
    await chosenOf(options);
    const share = sparsifyShare(options.sparsify);
    const builder = await absentBuilders.make(options.builder);
    if (options.html !== undefined) checkOutput(options.html, "file");
    await using clips = openClips(raw);
    const clip = await analyseClip(clips, file, options, context);
    if (options.html !== undefined) {
      makeFolder(dirname(options.html));
      writeFileAtomic(
        options.html,
        await renderPairPage({
          video: clips.video,
          file,
          clip,
          caption: options.caption,
          builder,
          signal: context.signal,
        }),
      );
    }
    const sparse = share === undefined ? undefined : sparsifiedFrames(clip, share);
    const key = new Set(clip.keyFrames);
    const frames = clip.sampled.map(({ index, timeSeconds }, position) => ({
      index,
      timeSeconds,
      score: clip.scores[position]!,
      isKey: key.has(position),
    }));
    const keyFrameShare = clip.keyFrames.length / clip.sampled.length;
    const lines = [
      `keywords: ${clip.keywords.join(", ") || "(none)"}`,
      `relevance: ${clip.relevance.name}, ${clip.unit}`,
      `key frames: ${clip.keyFrames.length} of ${clip.sampled.length} scored (${(100 * keyFrameShare).toFixed(1)} %)`,
      ...clip.keyFrames.map((position) => {
        const { index, timeSeconds } = clip.sampled[position]!;
        return `  frame ${index} at ${timeSeconds.toFixed(3)} s  score ${clip.scores[position]!.toFixed(3)}`;
      }),
      ...(sparse === undefined
        ? []
        : [
            `sparsified: ${sparse.indices.length} frames, ${(100 * sparse.keyShare).toFixed(1)} % around key frames${sparse.reached ? "" : " (the target cannot be reached)"}`,
            `  ${sparse.indices.join(" ")}`,
          ]),
      ...(options.html === undefined ? [] : [options.html]),
    ];
    return {
      json: {
        keywords: clip.keywords,
        ...(clip.keywordUsage && { keywordUsage: clip.keywordUsage }),
        relevance: clip.relevance,
        unit: clip.unit,
        keyFrameShare,
        frames,
        ...(sparse === undefined
          ? {}
          : {
              sparsified: {
                ...sparse,
                timesSeconds: sparse.indices.map((index) => clip.info.timeline[index]!.timeSeconds),
              },
            }),
      },
      text: lines.join("\n"),
    };
  },
});

export default keyframes;
