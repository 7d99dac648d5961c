import type { Answerer, Pictures } from "../../src/cli/ask/answerer.ts";
import { streamFrames } from "../../src/frames/read-frames.ts";
import { openVideoService } from "../../src/video/service.ts";

/** Frames a second that the trial looks at: four frames of a clip of ten seconds. */
const framesPerSecond = 0.4;

/** The frames of a clip that a model wants, at its size. */
export const clipPictures = async (
  file: string,
  model: Pick<Answerer, "look" | "resize">,
): Promise<Pictures> => {
  await using video = openVideoService({});
  const info = await video.probe(file);
  const look = model.look(info, framesPerSecond);
  const found = new Map<number, Uint8Array>();
  const indices = [...new Set(look.indices)].sort((a, b) => a - b);
  for await (const batch of streamFrames(video, file, { select: { kind: "indices", indices } }))
    for (let at = 0; at < batch.frames.length; at++)
      found.set(batch.frames[at]!.index, model.resize(batch, at, look).slice());
  return { ...look, frames: look.indices.map((index) => found.get(index)!) };
};

/** Most memory that this process has had in use, in GB. */
export const peakMemory = (): string => `${((process.resourceUsage().maxRSS * 1024) / 1e9).toFixed(2)} GB`;
