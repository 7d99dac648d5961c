// Writes a clip of moving grey levels, asks what is in it, and reads four frames back at a size.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frameIndex, seconds } from "videoperceiver";
import { openVideoService, pixelsOf, readFrames } from "videoperceiver/video";

const [width, height, count] = [64, 48, 20];
const file = join(mkdtempSync(join(tmpdir(), "videoperceiver-")), "levels.mp4");
const frames = Array.from({ length: count }, (_, at) => ({
  index: frameIndex(at),
  timeSeconds: seconds(at / 10),
}));
const pixels = new Uint8Array(count * width * height * 3);
for (let at = 0; at < count; at++)
  pixels.fill(10 * at, at * width * height * 3, (at + 1) * width * height * 3);

await using video = openVideoService();
await video.write(file, { width, height, frames: [{ pixels, width, height, frames }] });
const info = await video.probe(file);
const read = await readFrames(video, file, {
  select: { kind: "count", count: 4 },
  size: { width: 32, height: 24 },
});
const levels = read.frames.map((_, position) => pixelsOf(read, position)[0]!);
console.log(
  `${info.timeline.length} frames of ${info.width}x${info.height}; four of them: ${levels.join(" ")}`,
);
