/**
 * What ffprobe and ffmpeg 5.1 (Debian) say about the clips of the shared data: every frame's time, and the hash of some
 * frames.
 *
 *     node scripts/make-golden/clip-frames.ts > test/golden/expected/clip-frames.json
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { referenceFrames } from "./reference-frames.ts";

const folder = join(process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared", "data/clips");

const describe = (file: string): object => {
  const reference = referenceFrames(join(folder, file));
  if (reference === undefined) return { file, unusable: "no video stream" };
  const { streamIndex, upright, rotation, timesSeconds, md5 } = reference;
  const count = timesSeconds.length;
  const inside = [count / 3, count / 2, count * 0.8].map(Math.floor);
  const places = [0, 1, 2, ...inside, count - 2, count - 1];
  const indices = [...new Set(places)].filter((at) => at >= 0 && at < count).sort((a, b) => a - b);
  const frames = indices.map((index) => ({ index, md5: md5[index] }));
  return { file, streamIndex, upright, rotation, timesSeconds, frames };
};

const version = spawnSync("ffmpeg", ["-version"]).stdout.toString().split("\n")[0];
const files = readdirSync(folder).filter((name) => !/\.(json|md)$/.test(name));
const clips = files.sort().map((file) => JSON.stringify(describe(file)));
process.stdout.write(`{"madeBy": ${JSON.stringify(version)}, "clips": [\n${clips.join(",\n")}\n]}\n`);
