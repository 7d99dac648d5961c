import { absentBuilders } from "../../absent/builders.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { analyseClip, type ClipOptions, chosenOf, clipOptions } from "../clip-analysis.ts";
import { renderPairPage } from "../clip-page.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
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
        "--builder <name>",
        `how the page's twin is made: ${absentBuilders.names().join(", ")}`,
        "previous-frame",
      );
  },
  run: async (args, raw, context) => {
    const file = args[0] as string;
    const options = raw as unknown as ClipOptions & { html?: string; builder: string };
    await chosenOf(options);
    const builder = await absentBuilders.make(options.builder);
    await using clips = openClips(raw);
    const clip = await analyseClip(clips, file, options, context);
    if (options.html !== undefined)
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
    const key = new Set(clip.keyFrames);
    const frames = clip.sampled.map(({ index, timeSeconds }, position) => ({
      index,
      timeSeconds,
      score: clip.scores[position]!,
      isKey: key.has(position),
    }));
    const share = clip.keyFrames.length / clip.sampled.length;
    const lines = [
      `keywords: ${clip.keywords.join(", ") || "(none)"}`,
      `relevance: ${clip.relevance.name}, ${clip.unit}`,
      `key frames: ${clip.keyFrames.length} of ${clip.sampled.length} scored (${(100 * share).toFixed(1)} %)`,
      ...clip.keyFrames.map((position) => {
        const { index, timeSeconds } = clip.sampled[position]!;
        return `  frame ${index} at ${timeSeconds.toFixed(3)} s  score ${clip.scores[position]!.toFixed(3)}`;
      }),
      ...(options.html === undefined ? [] : [options.html]),
    ];
    return {
      json: {
        keywords: clip.keywords,
        relevance: clip.relevance,
        unit: clip.unit,
        keyFrameShare: share,
        frames,
      },
      text: lines.join("\n"),
    };
  },
});

export default keyframes;
