/**
 * How much of a step training waits for its data: clips of 1280 x 720 that are made here, a random checkpoint of shape small,
 * `train sft` with the cache of frames cold, then warm, and with nothing kept in memory. Prints seconds a step and the share
 * of waiting, of the first epoch and of later ones.
 *
 * Run: node scripts/waiting-for-data.ts --tokenizer FOLDER [--clips N] [--steps N] [--threads N] [--out FOLDER]
 *   --tokenizer  a Qwen2.5-VL folder without weights: tokenizer, chat template, processor settings
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeFolder, sha256 } from "../src/core/files.ts";
import { frameIndex, seconds } from "../src/core/units.ts";
import { DatasetWriter } from "../src/dataset/write.ts";
import { readRun } from "../src/runs/read-run.ts";
import { openVideoService } from "../src/video/service.ts";
import { timelineFromTimes } from "../src/video/timeline.ts";
import { smallHubModel } from "./small-hub-model.ts";

const { values } = parseArgs({
  options: {
    tokenizer: { type: "string" },
    clips: { type: "string", default: "16" },
    steps: { type: "string", default: "8" },
    threads: { type: "string", default: "2" },
    out: { type: "string" },
  },
});
const { tokenizer } = values;
if (tokenizer === undefined) {
  console.error("usage: node scripts/waiting-for-data.ts --tokenizer FOLDER [--clips N] [--steps N]");
  process.exit(2);
}
const out = values.out ?? mkdtempSync(join(tmpdir(), "waiting-for-data-"));
const program = fileURLToPath(new URL("../bin/videoperceiver.mjs", import.meta.url));
const [count, rate, width, height] = [72, 24, 1280, 720];
const timeline = timelineFromTimes(Float64Array.from({ length: count }, (_, i) => i / rate));

/** A square that moves over a ramp, another way in every clip. */
const pixelsOf = (clip: number, frame: number): Uint8Array => {
  const pixels = new Uint8Array(width * height * 3);
  const [left, top] = [(40 * clip + 12 * frame) % (width - 200), (90 * clip + 5 * frame) % (height - 200)];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const isInside = x >= left && x < left + 200 && y >= top && y < top + 200;
      const at = (y * width + x) * 3;
      pixels[at] = isInside ? 240 : (x + clip * 16) & 255;
      pixels[at + 1] = isInside ? 40 : (y + frame) & 255;
      pixels[at + 2] = (x ^ y) & 255;
    }
  return pixels;
};

const makeSet = async (): Promise<string> => {
  const set = join(out, "set");
  if (existsSync(join(set, "dataset.json"))) return set;
  makeFolder(join(set, "clips"));
  const writer = new DatasetWriter({ folder: set, recipe: { name: "waiting-for-data", params: {} } });
  await using video = openVideoService({ workers: 1 });
  for (let clip = 0; clip < Number(values.clips); clip++) {
    const file = `clips/${clip}.mp4`;
    const frames = Array.from({ length: count }, (_, i) => ({
      pixels: pixelsOf(clip, i),
      width,
      height,
      frames: [{ index: frameIndex(i), timeSeconds: seconds(i / rate) }],
    }));
    await video.write(join(set, file), { width, height, frames });
    writer.add({
      id: `clip-${clip}`,
      clip: { file, sha256: sha256(readFileSync(join(set, file))), timeline },
      messages: [
        {
          role: "user",
          content: [
            { type: "video", video: file },
            { type: "text", text: "Describe what happens in the video." },
          ],
        },
      ],
      answer: `A red square crosses a coloured field, for the ${clip}th time, from the left to the right and down.`,
      answerKind: "open",
      provenance: {},
    });
  }
  await writer.finish(() => "Clips of 1280 x 720 for measuring.");
  return set;
};

const model = join(out, "model");
if (!existsSync(join(model, "config.json"))) await smallHubModel(model, tokenizer);
const set = await makeSet();
const clipsPerStep = 4;

const train = (name: string, ...settings: readonly string[]): void => {
  const own = [
    "look.frames=8",
    "look.maxPixels=100352",
    `clipsPerStep=${clipsPerStep}`,
    `steps=${values.steps}`,
  ];
  const given = [...own, "positionsPerBatch=4096", ...settings].flatMap((one) => ["--set", one]);
  const folder = join(out, name);
  const paths = ["--model", model, "--data", set, "--threads", values.threads, "--out", folder];
  const { status } = spawnSync(process.execPath, [program, "train", "sft", ...paths, ...given], {
    stdio: "inherit",
    env: { ...process.env, VIDEOPERCEIVER_CACHE: join(out, "cache") },
  });
  if (status !== 0) process.exit(1);
  const { metrics } = readRun(folder);
  const epoch = Math.ceil(Number(values.clips) / clipsPerStep);
  for (const [part, rows] of [
    ["first epoch", metrics.slice(0, epoch)],
    ["later", metrics.slice(epoch)],
  ] as const) {
    const total = (of: string): number => rows.reduce((sum, row) => sum + row[`speed/${of}`]!, 0);
    const waited = rows.reduce((sum, row) => sum + row["speed/waitingShare"]! * row["speed/seconds"]!, 0);
    const share = (100 * waited) / total("seconds");
    console.log(
      `${name}, ${part}: ${(total("seconds") / rows.length).toFixed(2)} s a step, waiting ${share.toFixed(1)} %`,
    );
  }
};
train("cold");
train("warm");
train("warm, nothing kept in memory", "keptMegabytes=0");
