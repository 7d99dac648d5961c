import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { streamFrames } from "../../src/frames/read-frames.ts";
import { resizeAntialias } from "../../src/frames/resize-antialias.ts";
import type { Pictures } from "../../src/jobs/ask/answerer.ts";
import { type EncodedPrompt, encodePrompt, processorLook } from "../../src/jobs/ask/processor-prompt.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { familyOf } from "../../src/model/families.ts";
import { loadProcessor } from "../../src/model/processor.ts";
import { openVideoService } from "../../src/video/service.ts";

/** Frames a second that the trial looks at: four frames of a clip of ten seconds. */
export const framesPerSecond = 0.4;

/** What the trial asks. */
export const question = "What happens in this clip?";

/** The question about a clip in the checkpoint's own prompt; with an answer, the whole conversation. */
export const clipPrompt = async (
  folder: string,
  config: ModelConfig,
  file: string,
  answer?: string,
): Promise<EncodedPrompt & { readonly pictures: Pictures }> => {
  const processor = loadProcessor(folder, familyOf(config).processor, resizeAntialias);
  await using video = openVideoService({});
  const info = await video.probe(file);
  const look = processorLook(processor, info, { fps: framesPerSecond });
  const found = new Map<number, Uint8Array>();
  const indices = [...new Set(look.indices)].sort((a, b) => a - b);
  for await (const batch of streamFrames(video, file, { select: { kind: "indices", indices } }))
    for (let at = 0; at < batch.frames.length; at++) {
      const { width, height } = batch;
      const frame = resizeAntialias(pixelsOf(batch, at), width, height, look.width, look.height);
      found.set(batch.frames[at]!.index, frame.slice());
    }
  const pictures = { ...look, frames: look.indices.map((index) => found.get(index)!) };
  return { ...encodePrompt(processor, config, pictures, question, answer), pictures };
};

/** Most memory that this process has had in use, in GB. */
export const peakMemory = (): string => `${((process.resourceUsage().maxRSS * 1024) / 1e9).toFixed(2)} GB`;

/** Runs something. @returns its result and its seconds */
export const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const start = performance.now();
  return [await work(), (performance.now() - start) / 1000];
};
