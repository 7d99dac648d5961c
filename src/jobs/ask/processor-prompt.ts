import type { TokenIdsBatch } from "../../batch/ids-batch.ts";
import { frameIndex, seconds } from "../../core/units.ts";
import { smartResize, videoPixelLimits } from "../../frames/smart-resize.ts";
import type { ModelConfig } from "../../model/config.ts";
import { chooseFrames } from "../../model/frame-count.ts";
import { positionsOf } from "../../model/positions.ts";
import type { Processor } from "../../model/processor.ts";
import type { VideoInfo } from "../../video/types.ts";
import type { Look, LookRequest, Pictures } from "./answerer.ts";

/** Frames and size that the processor's own rules choose for a clip, and for what is asked of it. */
export const processorLook = (processor: Processor, info: VideoInfo, request: LookRequest): Look => {
  const factor = processor.settings.patchSize * processor.settings.mergeSize;
  const { fps, frames: nframes, minPixels, maxPixels, totalPixels } = request;
  const { indices, sampleFps } = chooseFrames({ fps, nframes }, info.timeline.length, info.averageFps);
  const asked = { min_pixels: minPixels, max_pixels: maxPixels, total_pixels: totalPixels };
  const limits = videoPixelLimits(asked, indices.length, factor);
  return { indices, ...smartResize(info, limits, factor), framesPerSecond: sampleFps };
};

/** A conversation about one clip, ready for the model. */
export interface EncodedPrompt {
  readonly ids: TokenIdsBatch;
  readonly inputIds: readonly number[];
  /** Position of the token that follows. */
  readonly next: number;
}

/** Pictures and a question in the checkpoint's own prompt; with an answer, the whole conversation. */
export const encodePrompt = (
  processor: Processor,
  config: ModelConfig,
  { frames, width, height, framesPerSecond }: Pictures,
  question: string,
  answer?: string,
): EncodedPrompt => {
  const pixels = new Uint8Array(frames.length * width * height * 3);
  frames.forEach((frame, t) => {
    pixels.set(frame, t * width * height * 3);
  });
  const times = frames.map((_, at) => ({
    index: frameIndex(at),
    timeSeconds: seconds(at / framesPerSecond),
  }));
  const media = { frames: { pixels, width, height, frames: times }, sampleFps: framesPerSecond };
  // The frames have their size already; limits that it meets leave it as it is.
  const size = { min_pixels: width * height, max_pixels: width * height };
  const user = {
    role: "user",
    content: [
      { type: "video", video: "clip", ...size },
      { type: "text", text: question },
    ],
  } as const;
  const said =
    answer === undefined ? [] : [{ role: "assistant", content: [{ type: "text", text: answer }] } as const];
  const { inputIds, videos } = processor.encode([user, ...said], () => media, {
    addGenerationPrompt: answer === undefined,
  });
  const columns = inputIds.length;
  const grids = videos.map(({ grid }) => grid);
  const secondsPerGrid = videos.map((video) => video.secondsPerGrid);
  const { positions_3BT, next_B } = positionsOf(
    { rows: 1, columns, inputIds_BT: inputIds, videoGrids: grids, secondsPerGrid },
    config,
  );
  const ids = {
    rows: 1,
    columns,
    ids_BT: inputIds,
    mask_BT: new Uint8Array(columns).fill(1),
    positions_3BT,
    videos: { grids, patches: videos[0]!.rows_PX },
  };
  return { ids, inputIds: [...inputIds], next: next_B[0]! };
};
