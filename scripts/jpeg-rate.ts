/**
 * Processor time of one picture of 326 x 183 as JPEG, by libjpeg-turbo as `fragments` has it and by a call of sharp with the same
 * quality and code tables, in turns. Run: node scripts/jpeg-rate.ts
 */
import sharp from "sharp";
import { seededRandom } from "../src/core/random.ts";
import { quickJpegBytes, quickJpegInto } from "../src/frames/jpeg-picture.ts";

const [width, height, quality, rounds, calls] = [326, 183, 92, 3, 400];
const random = seededRandom("jpeg rate");
const pixels = Uint8Array.from(
  { length: width * height * 3 },
  (_, at) => 110 + 50 * Math.sin(at / 37) + 30 * Math.sin(at / 9000) + random.integer(14),
);
const memory = new Uint8Array(quickJpegBytes({ width, height }));
const encoders: Readonly<Record<string, () => Promise<unknown>>> = {
  "libjpeg-turbo": () => quickJpegInto(pixels, { width, height }, quality, memory),
  sharp: () =>
    sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg({ quality, optimiseCoding: false })
      .toBuffer(),
};
for (let round = 0; round <= rounds; round++)
  for (const [name, encode] of Object.entries(encoders)) {
    const before = process.cpuUsage();
    for (let call = 0; call < calls; call++) await encode();
    const { user, system } = process.cpuUsage(before);
    // The first round is for the compiler.
    if (round > 0) console.log(`${name}: ${((user + system) / 1000 / calls).toFixed(3)} ms`);
  }
