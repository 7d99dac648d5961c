/** A small hub checkpoint and a data set of real clips in which a coloured disc comes and goes; the twin never shows it. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../src/core/files.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import type { AbsentReference, ClipReference, Message, Sample } from "../../src/dataset/sample.ts";
import { DatasetWriter } from "../../src/dataset/write.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";
import { openVideoService } from "../../src/video/service.ts";
import { timelineFromTimes } from "../../src/video/timeline.ts";
import { tinyHubModel } from "../hub-model.ts";
import { withoutClocks } from "../without-clocks.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;

/** Runs the command line. @param folder keeps its cache */
export const videoperceiver = (
  folder: string,
  args: readonly string[],
): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    env: { ...process.env, VIDEOPERCEIVER_CACHE: join(folder, "cache") },
  });

/** The same, killed when it says a step of `step` or more. @returns whether it was */
export const killedAt = (folder: string, args: readonly string[], step: number): Promise<boolean> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, VIDEOPERCEIVER_CACHE: join(folder, "cache") },
    });
    const metrics = join(args[args.indexOf("--out") + 1]!, "metrics.jsonl");
    const timer = setInterval(() => {
      const rows = existsSync(metrics) ? readFileSync(metrics, "utf8").split("\n").length - 1 : 0;
      if (rows > step) child.kill("SIGKILL");
    }, 2);
    let complaint = "";
    child.stderr.on("data", (piece: Buffer) => {
      complaint += piece.toString();
    });
    child.on("close", (code, signal) => {
      clearInterval(timer);
      if (code === 0 || signal === "SIGKILL") done(signal === "SIGKILL");
      else fail(new Error(complaint));
    });
  });

/** Everything that a run leaves behind, without clocks. */
export const leftBehind = (folder: string): Readonly<Record<string, unknown>> => {
  const { metrics, checkpoints } = readRun(folder);
  const last = checkpoints.complete.at(-1)!;
  const files = readdirSync(last.folder).filter((name) => name.endsWith(".safetensors"));
  return {
    step: last.step,
    metrics: metrics.map(withoutClocks),
    rollouts: readRollouts(folder),
    state: last.state,
    ...Object.fromEntries(files.map((name) => [name, sha256(readFileSync(join(last.folder, name)))])),
  };
};

/** `--set` before every setting. */
export const settings = (...texts: readonly string[]): string[] => texts.flatMap((text) => ["--set", text]);

/** A model of a few ten thousand parameters with the given words. */
export const discModel = (folder: string, words: string): string => tinyHubModel(folder, words.split(" "));

const colours = { red: [230, 30, 30], green: [30, 220, 30], blue: [40, 40, 230] } as const;
/** Colour of a disc. */
export type Colour = keyof typeof colours;

const [count, rate, width, height] = [24, 8, 56, 56];
const timeline = timelineFromTimes(Float64Array.from({ length: count }, (_, i) => i / rate));

/** A clip in which a disc of a colour is seen for a second, early or late; the grey differs from clip to clip and grows, so that a freeze anywhere is seen. */
export interface DiscClip {
  readonly colour: Colour;
  readonly late: boolean;
  readonly grey: number;
}

/** Colours in turn. */
export const discColours: readonly Colour[] = ["red", "green", "blue"];

/** So many clips: colours in turn, early and late in turn, each of a lighter grey. */
export const discClips = (length: number, greyStep = 5): readonly DiscClip[] =>
  Array.from({ length }, (_, i) => ({
    colour: discColours[i % 3]!,
    late: i % 2 === 1,
    grey: 90 + greyStep * i,
  }));

/** First frame that shows the disc. */
const startOf = ({ late }: DiscClip): number => (late ? 14 : 4);

const writeDisc = async (file: string, clip: DiscClip): Promise<void> => {
  const size = width * height * 3;
  const pixels = new Uint8Array(count * size);
  for (let t = 0; t < count; t++) pixels.fill(clip.grey + 3 * t, t * size, (t + 1) * size);
  const from = startOf(clip);
  for (let t = from; t < from + 8; t++)
    for (let y = 12; y < 44; y++)
      for (let x = 12; x < 44; x++) pixels.set(colours[clip.colour], ((t * height + y) * width + x) * 3);
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / rate),
  }));
  await using video = openVideoService({ workers: 1 });
  await video.write(file, { width, height, frames: [{ pixels, width, height, frames }] });
};

/** The twin in which the disc never comes. */
const twinOf = (clip: DiscClip): AbsentReference => {
  const start = startOf(clip);
  const keyFrames = Array.from({ length: 8 }, (_, t) => start + t);
  const replacements = keyFrames.map((index) => ({ index, from: start - 1 }));
  return { keyFrames, replacements, builder: { name: "span", params: {} } };
};

/** A question about a clip's file. */
export const asked = (file: string, question: string): Message[] => [
  {
    role: "user",
    content: [
      { type: "video", video: file },
      { type: "text", text: question },
    ],
  },
];

/** What a sample says besides clip and twin. */
export type DiscSample = Omit<Sample, "clip" | "absent" | "provenance"> & { readonly twin?: boolean };

/**
 * Writes a data set folder.
 * @param samplesOf the samples of a clip, given its place and its reference
 */
export const writeDiscSet = async (
  set: string,
  clips: readonly DiscClip[],
  samplesOf: (clip: DiscClip, at: number, own: ClipReference, all: readonly ClipReference[]) => DiscSample[],
): Promise<void> => {
  mkdirSync(join(set, "clips"), { recursive: true });
  const references: ClipReference[] = [];
  for (const [i, clip] of clips.entries()) {
    const file = `clips/${i}.mp4`;
    await writeDisc(join(set, file), clip);
    references.push({ file, sha256: sha256(readFileSync(join(set, file))), timeline });
  }
  const writer = new DatasetWriter({ folder: set, recipe: { name: "test", params: {} } });
  clips.forEach((clip, at) => {
    for (const { twin = true, ...sample } of samplesOf(clip, at, references[at]!, references))
      writer.add({
        ...sample,
        clip: references[at]!,
        ...(twin && { absent: twinOf(clip) }),
        provenance: {},
      });
  });
  await writer.finish(() => "a test");
};
