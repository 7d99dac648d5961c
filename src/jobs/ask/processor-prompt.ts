import type { TokenIdsBatch } from "../../batch/ids-batch.ts";
import type { ModelConfig } from "../../model/config.ts";
import { positionsOf } from "../../model/positions.ts";
import type { Processor } from "../../model/processor.ts";
import type { VideoInfo } from "../../video/types.ts";
import type { Look, LookRequest, Pictures } from "./answerer.ts";
import { unevenFrames } from "./chosen-frames.ts";

/** Frames and size that the processor's own rules choose for a clip, and for what is asked of it. */
export const processorLook = (processor: Processor, info: VideoInfo, request: LookRequest): Look => {
  const { fps, frames: nframes, minPixels, maxPixels, totalPixels, chosen } = request;
  const clip = {
    width: info.width,
    height: info.height,
    frames: info.timeline.length,
    framesPerSecond: info.averageFps,
  };
  const asked = { fps, nframes, min_pixels: minPixels, max_pixels: maxPixels, total_pixels: totalPixels };
  if (chosen !== undefined) {
    const timesSeconds = chosen.map((at) => info.timeline[at]!.timeSeconds as number);
    const sizes = processor.sizesOf({ type: "video", video: "", ...asked }, clip, chosen.length);
    const depth = processor.settings.temporalPatchSize;
    const { framesPerSecond } = unevenFrames(timesSeconds, depth, info.averageFps);
    return { indices: chosen, ...sizes.at(-1)!, sizes, framesPerSecond, timesSeconds };
  }
  const { indices, sampleFps, sizes } = processor.look(clip, asked);
  return { indices, ...sizes.at(-1)!, sizes, framesPerSecond: sampleFps };
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
  { frames, width, height, framesPerSecond, timesSeconds }: Pictures,
  question: string,
  answer?: string,
): EncodedPrompt => {
  // Without frames the question is asked alone.
  const isSeen = frames.length > 0;
  const visual = isSeen ? processor.cut("video", frames, { width, height }, framesPerSecond) : undefined;
  const user = {
    role: "user",
    content: [
      ...(isSeen ? [{ type: "video", video: "clip" } as const] : []),
      { type: "text", text: question },
    ],
  } as const;
  const said =
    answer === undefined ? [] : [{ role: "assistant", content: [{ type: "text", text: answer }] } as const];
  const { inputIds, videos } = processor.encode([user, ...said], () => visual!, {
    addGenerationPrompt: answer === undefined,
  });
  const columns = inputIds.length;
  const grids = videos.map(({ grid }) => grid);
  const uneven =
    timesSeconds === undefined || !isSeen
      ? undefined
      : unevenFrames(timesSeconds, processor.settings.temporalPatchSize, framesPerSecond);
  const secondsPerGrid = videos.map((video) => video.secondsPerGrid);
  const { positions_3BT, next_B } = positionsOf(
    {
      rows: 1,
      columns,
      inputIds_BT: inputIds,
      videoGrids: grids,
      secondsPerGrid,
      stepSeconds: [uneven?.stepSeconds],
    },
    config,
  );
  const ids = {
    rows: 1,
    columns,
    ids_BT: inputIds,
    mask_BT: new Uint8Array(columns).fill(1),
    positions_3BT,
    ...(isSeen && { videos: { grids, patches: videos[0]!.rows_PX } }),
  };
  return { ids, inputIds: [...inputIds], next: next_B[0]! };
};
