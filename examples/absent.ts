// Takes a flash out of a clip: the pair, and what its twin shows.
import { frameIndex, seconds } from "videoperceiver";
import { absentBatch, absentBuilders, makePair, memorySource } from "videoperceiver/absent";
import { chooseRelevance } from "videoperceiver/selection";
import { pixelsOf } from "videoperceiver/video";

const [width, height, count, flash] = [64, 48, 24, 12];
const timeline = Array.from({ length: count }, (_, at) => ({
  index: frameIndex(at),
  timeSeconds: seconds(at / 12),
}));
const pixels = new Uint8Array(count * width * height * 3);
// A wall with a pattern, and a lamp of 16 x 16 pixels on it that is bright in one frame.
for (let at = 0; at < count; at++)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const isLamp = x >= 24 && x < 40 && y >= 16 && y < 32;
      const level = isLamp ? (at === flash ? 250 : 50) : 60 + ((7 * x + 13 * y) % 64);
      const first = ((at * height + y) * width + x) * 3;
      pixels.fill(level, first, first + 3);
    }
const batch = { pixels, width, height, frames: timeline };

const source = memorySource({ file: "flash", sha256: "0".repeat(64) }, timeline, batch);
const { pair, view } = await makePair(source, {
  caption: "A lamp flashes.",
  relevance: await chooseRelevance("motion"),
  builder: await absentBuilders.make("previous-frame"),
  seed: 1,
  sampled: timeline,
});
const twin = absentBatch(batch, view);
const level = (position: number): number => pixelsOf(twin, position)[(24 * width + 32) * 3]!;
console.log(`key frames ${pair.keyFrames.join(" ")}; the twin shows ${level(flash)} instead of 250`);
