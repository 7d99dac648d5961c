import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../../src/core/random.ts";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import { openVideoService } from "../../../src/video/service.ts";

const [width, height, framesPerSecond] = [64, 48, 12];

/** A small clip before a background of its own, in which a bright square appears for a moment. */
const pixelsOf = (clip: number, frames: number): Uint8Array => {
  const random = seededRandom(clip, "clip");
  const [left, top] = [random.integer(width - 16), random.integer(height - 16)];
  const start = 4 + random.integer(frames - 10);
  const background = Uint8Array.from(
    { length: width * height * 3 },
    (_, at) =>
      60 + 50 * Math.sin((at % (width * 3)) / (9 + clip)) + 40 * Math.sin(at / (width * (20 + clip))),
  );
  const pixels = new Uint8Array(frames * background.length);
  for (let frame = 0; frame < frames; frame++) {
    const own = pixels.subarray(frame * background.length, (frame + 1) * background.length);
    own.set(background);
    if (frame < start || frame >= start + 4) continue;
    for (let y = top; y < top + 14; y++) own.fill(240, (y * width + left) * 3, (y * width + left + 14) * 3);
  }
  return pixels;
};

/** Writes `count` clips and `captions.csv` (a broken row and a missing clip included) into a folder. */
export const writeClips = async (folder: string, count: number): Promise<void> => {
  mkdirSync(join(folder, "clips"), { recursive: true });
  await using video = openVideoService({ workers: 1 });
  const lines = ["video,caption"];
  for (let clip = 0; clip < count; clip++) {
    const frames = 20 + (clip % 5) * 3;
    await video.write(join(folder, "clips", `c${clip}.mp4`), {
      width,
      height,
      frames: [
        {
          pixels: pixelsOf(clip, frames),
          width,
          height,
          frames: Array.from({ length: frames }, (_, at) => ({
            index: frameIndex(at),
            timeSeconds: seconds(at / framesPerSecond),
          })),
        },
      ],
    });
    lines.push(`c${clip},A bright square number ${clip} flashes.`);
  }
  writeFileSync(join(folder, "clips", "broken.mp4"), "no film");
  lines.push("broken.mp4,A square hops.", "gone.mp4,Nothing is there.");
  writeFileSync(join(folder, "captions.csv"), `${lines.join("\n")}\n`);
};
