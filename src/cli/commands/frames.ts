import { InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../../core/errors.ts";
import { listFrames } from "../../jobs/list-frames.ts";
import type { FrameRequest, FrameSelection, FrameSize, Resizer } from "../../video/request.ts";
import { type CommandDefinition, defineCommand } from "../command.ts";
import { integerValue, numberValue } from "../option-values.ts";
import { chosenClips, videoOptions } from "../video-options.ts";

interface FramesOptions {
  readonly fps?: number;
  readonly count?: number;
  readonly at?: readonly number[];
  readonly all?: true;
  readonly size?: FrameSize;
  readonly pixels?: FrameSize;
  readonly from?: number;
  readonly to?: number;
  readonly resizer: Resizer;
  readonly out?: string;
  readonly resume?: true;
}

const timesValue = (text: string): number[] => text.split(",").map((part) => numberValue({ min: 0 })(part));

const sizeValue = (text: string): FrameSize => {
  const found = /^(\d+)x(\d+)$/.exec(text);
  if (found === null) throw new InvalidArgumentError(`expected WIDTHxHEIGHT; got "${text}"`);
  return { width: Number(found[1]), height: Number(found[2]) };
};

const pixelsValue = (text: string): FrameSize => {
  const found = /^(\d+):(\d+)$/.exec(text);
  if (found === null) throw new InvalidArgumentError(`expected MIN:MAX; got "${text}"`);
  return { minPixels: Number(found[1]), maxPixels: Number(found[2]), factor: 28 };
};

const selectionOf = (options: FramesOptions): FrameSelection => {
  const asked: FrameSelection[] = [];
  if (options.fps !== undefined) asked.push({ kind: "fps", fps: options.fps });
  if (options.count !== undefined) asked.push({ kind: "count", count: options.count });
  if (options.at !== undefined) asked.push({ kind: "times", timesSeconds: options.at });
  if (options.all === true) asked.push({ kind: "all" });
  const [only] = asked;
  if (only === undefined || asked.length > 1)
    throw new ConfigError("say which frames", {
      expected: "one of --fps, --count, --at, --all",
      got: asked.length === 0 ? "none" : "several",
    });
  return only;
};

const requestOf = (options: FramesOptions): FrameRequest => {
  if (options.size !== undefined && options.pixels !== undefined)
    throw new ConfigError("say one size", { expected: "--size or --pixels", got: "both" });
  const size = options.size ?? options.pixels;
  const limited = options.from !== undefined || options.to !== undefined;
  const startSeconds = options.from ?? 0;
  const endSeconds = options.to ?? Number.MAX_VALUE;
  if (!(startSeconds < endSeconds))
    throw new ConfigError("bad range", {
      expected: "--from before --to",
      got: `${startSeconds} to ${endSeconds}`,
    });
  return {
    select: selectionOf(options),
    resizer: options.resizer,
    ...(size !== undefined && { size }),
    ...(limited && { range: { startSeconds, endSeconds } }),
  };
};

/** The command. With `--out`: one PNG a frame, and `frames.json` last, so that its presence says that all are there. */
const frames: CommandDefinition = defineCommand({
  summary: "timed frames of a clip, as hashes or as pictures",
  configure: (command) => {
    command
      .argument("<video>", "clip")
      .option("--fps <rate>", "one frame every 1/rate seconds", numberValue({ min: 1e-6, max: 1e6 }))
      .option("--count <n>", "so many frames, evenly spread", integerValue({ min: 1, max: 1e7 }))
      .option("--at <s,s,...>", "the frames that are shown at these seconds", timesValue)
      .option("--all", "every frame")
      .option("--from <seconds>", "leave out what is shown before", numberValue({ min: 0 }))
      .option("--to <seconds>", "leave out what begins at or after this", numberValue({ min: 0 }))
      .option("--size <WxH>", "exact size", sizeValue)
      .option("--pixels <min:max>", "area bounds; sides become multiples of 28, the shape stays", pixelsValue)
      .addOption(
        new Option(
          "--resizer <name>",
          "pillow: bit for bit as Pillow's bicubic; zscale: faster, within a level or two on natural pictures",
        )
          .choices(["pillow", "zscale"])
          .default("pillow"),
      )
      .option("--out <folder>", "where pictures and frames.json go")
      .option("--resume", "go on with the pictures of a stopped call of the same request");
    videoOptions(command);
  },
  run: async (args, raw, context) => {
    const file = args[0] as string;
    const options = raw as unknown as FramesOptions;
    const request = requestOf(options);
    const list = await listFrames(
      {
        file,
        request,
        clips: chosenClips(raw),
        ...(options.out !== undefined && { out: options.out }),
        resume: options.resume === true,
      },
      context,
    );
    const text = list.frames
      .map((one) => `${one.index}\t${one.timeSeconds.toFixed(6)} s\t${one.width}x${one.height}`)
      .join("\n");
    return { json: list, text };
  },
});

export default frames;
