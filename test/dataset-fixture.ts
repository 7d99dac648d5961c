import { cpSync } from "node:fs";
import { join } from "node:path";
import { readDescription, readSamples } from "../src/dataset/read.ts";
import type { AbsentReference, Sample } from "../src/dataset/sample.ts";
import { DatasetWriter } from "../src/dataset/write.ts";
import { loadEncoder } from "../src/world/encode.ts";
import { generateWorld } from "../src/world/generate.ts";
import { worldProfile } from "../src/world/profile.ts";

/** True, and said aloud otherwise, where clips can be written. */
export const clipsCanBeWritten: boolean = await loadEncoder().then(
  () => true,
  () => false,
);
if (!clipsCanBeWritten) console.warn("SKIPPED: clips cannot be written here (neither node-av nor ffmpeg)");

/** The twin in which the last frame before the first event stays until the last one has ended. */
export const twinOfEvents = ({ clip, events = [] }: Sample): AbsentReference => {
  const inside = clip.timeline.flatMap(({ index, timeSeconds }): number[] =>
    events.some((span) => timeSeconds >= span.startSeconds && timeSeconds < span.endSeconds) ? [index] : [],
  );
  const from = inside[0] === 0 ? inside.at(-1)! + 1 : inside[0]! - 1;
  return {
    keyFrames: inside,
    replacements: inside.map((index) => ({ index, from })),
    builder: { name: "span", params: {} },
  };
};

/** The frames of a sample's twin, blanked instead of replaced. */
export const maskedTwin = (sample: Sample): AbsentReference => {
  const { keyFrames } = twinOfEvents(sample);
  return {
    keyFrames,
    replacements: keyFrames.map((index) => ({ index, from: index })),
    builder: { name: "mask", params: { fill: "mean" } },
  };
};

/**
 * A finished data set of `clips` scripted clips in `folder`/set, whose samples `change` makes out of the world's.
 *
 * @returns its folder
 */
export const madeDataset = async (
  folder: string,
  clips: number,
  change: (sample: Sample, at: number) => Sample | readonly Sample[],
): Promise<string> => {
  const [world, out] = [join(folder, "world"), join(folder, "set")];
  await generateWorld({
    count: clips,
    seed: "fixture",
    profile: worldProfile("quickstart"),
    out: world,
    workers: 1,
  });
  cpSync(join(world, "clips"), join(out, "clips"), { recursive: true });
  const writer = new DatasetWriter({ folder: out, recipe: readDescription(world).recipe });
  let at = 0;
  for await (const sample of readSamples(world)) {
    const changed = change(sample, at++);
    for (const one of Array.isArray(changed) ? (changed as readonly Sample[]) : [changed as Sample])
      writer.add(one);
  }
  await writer.finish(() => "a fixture");
  return out;
};
