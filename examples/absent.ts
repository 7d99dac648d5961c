// Takes a flash out of a clip: the pair, and what its twin shows.
import { frameIndex, seconds } from "videoperceiver";
import { absentBatch, absentBuilders, makePair, memorySource } from "videoperceiver/absent";
import { chooseRelevance } from "videoperceiver/selection";
import { pixelsOf } from "videoperceiver/video";

const [width, height, count, flash] = [32, 32, 24, 12];
const timeline = Array.from({ length: count }, (_, at) => ({
  index: frameIndex(at),
  timeSeconds: seconds(at / 12),
}));
const pixels = new Uint8Array(count * width * height * 3);
for (let at = 0; at < count; at++)
  pixels.fill(at === flash ? 250 : 40 + at, at * width * height * 3, (at + 1) * width * height * 3);
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
const level = (position: number): number => pixelsOf(twin, position)[0]!;
console.log(`key frames ${pair.keyFrames.join(" ")}; the twin shows ${level(flash)} instead of 250`);
