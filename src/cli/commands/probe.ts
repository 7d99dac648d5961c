import { VideoPerceiverError } from "../../core/errors.ts";
import { openClips } from "../../jobs/clips.ts";
import type { VideoInfo } from "../../video/types.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { chosenClips, videoOptions } from "../video-options.ts";

const describe = (info: VideoInfo): string => {
  const { timeline } = info;
  const rate = info.variableRate ? "variable rate, mean " : "";
  const turned =
    info.rotation === 0 ? "" : `, stored ${info.codedWidth}x${info.codedHeight} turned ${info.rotation}°`;
  const lines = [
    `${info.file}`,
    `  ${info.container}: ${info.streams.map(({ kind, codec }) => `${kind} ${codec}`).join(", ")}`,
    `  stream ${info.streamIndex}: ${info.codec} ${info.pixelFormat} ${info.width}x${info.height}${turned}`,
    `  ${timeline.length} frames, ${rate}${info.averageFps.toFixed(3)} per second, ${info.durationSeconds.toFixed(3)} s`,
    ...info.faults.map((fault) => `  fault: ${fault}`),
  ];
  return lines.join("\n");
};

/** The command. JSON: the description of one file, or a list with `{ file, error }` in the place of unusable ones. */
const probe: CommandDefinition = defineCommand({
  summary: "container, streams, true frame times, rotation, variable rate, faults",
  configure: (command) => {
    command.argument("<file...>", "clips");
    videoOptions(command);
  },
  run: async (args, options, context) => {
    const files = args[0] as readonly string[];
    await using clips = openClips(chosenClips(options), context.warn);
    const answers: (VideoInfo | { file: string; error: string })[] = [];
    const progress = context.progress("probe", "files");
    for (const file of files) {
      try {
        answers.push(await clips.video.probe(file, context.signal));
      } catch (error) {
        if (files.length === 1 || !(error instanceof VideoPerceiverError)) throw error;
        answers.push({ file, error: error.message });
      }
      if (files.length > 1) progress.update(answers.length, files.length);
    }
    const text = answers.map((answer) =>
      "error" in answer ? `${answer.file}\n  ${answer.error}` : describe(answer),
    );
    const failed = answers.some((answer) => "error" in answer);
    return {
      json: files.length === 1 ? answers[0] : answers,
      text: text.join("\n"),
      exitCode: failed ? 2 : 0,
    };
  },
});

export default probe;
