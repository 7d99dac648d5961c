import { seededRandom } from "../../core/random.ts";
import { frameIndex, seconds } from "../../core/units.ts";
import { OnnxEngine } from "../../engine/onnx/engine.ts";
import { loadStore } from "../../engine/onnx/open.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { chooseFrames } from "../../model/qwen2_5_vl/frame-count.ts";
import { idsBatch } from "../../model/qwen2_5_vl/ids-batch.ts";
import { positionsOf } from "../../model/qwen2_5_vl/positions.ts";
import { loadProcessor } from "../../model/qwen2_5_vl/processor.ts";
import { resizeAntialias } from "../../model/qwen2_5_vl/resize-antialias.ts";
import { smartResize, videoPixelLimits } from "../../model/qwen2_5_vl/smart-resize.ts";
import type { Answerer } from "./answerer.ts";

/** A checkpoint of the Qwen2.5-VL family as the hub has it: frames, sizes and prompt are its own processor's. */
export const processorAnswerer = async (folder: string, threads: number): Promise<Answerer> => {
  const processor = loadProcessor(folder, resizeAntialias);
  const { config, store } = await loadStore(folder, "none");
  const engine = new OnnxEngine(config, store, undefined, { threads });
  const factor = processor.settings.patchSize * processor.settings.mergeSize;
  return {
    kind: "Qwen2.5-VL",
    look: (info, fps) => {
      const { indices, sampleFps } = chooseFrames({ fps }, info.timeline.length, info.averageFps);
      const limits = videoPixelLimits({}, indices.length, factor);
      return { indices, ...smartResize(info, limits, factor), framesPerSecond: sampleFps };
    },
    resize: (batch, position, { width, height }) =>
      batch.width === width && batch.height === height
        ? pixelsOf(batch, position)
        : resizeAntialias(pixelsOf(batch, position), batch.width, batch.height, width, height),
    answer: async ({ frames, width, height, framesPerSecond }, question, maxNewTokens) => {
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
      const content = [
        { type: "video", video: "clip", ...size },
        { type: "text", text: question },
      ] as const;
      const { inputIds, videos } = processor.encode([{ role: "user", content }], () => media, {
        addGenerationPrompt: true,
      });
      const columns = inputIds.length;
      const videoGrids = videos.map(({ grid }) => grid);
      const secondsPerGrid = videos.map((video) => video.secondsPerGrid);
      const { positions_3BT, next_B } = positionsOf(
        { rows: 1, columns, inputIds_BT: inputIds, videoGrids, secondsPerGrid },
        config,
      );
      const ids = {
        rows: 1,
        columns,
        ids_BT: inputIds,
        mask_BT: new Uint8Array(columns).fill(1),
        positions_3BT,
        videos: { grids: videoGrids, patches: videos[0]!.rows_PX },
      };
      const [drawn] = await engine.sample({
        batch: idsBatch(ids, config, { scoredRows: [columns - 1], targets: [0] }),
        lengths: [columns],
        nextPositions: [...next_B],
        completions: 1,
        maxNewTokens,
        temperature: 0,
        stopTokens: config.tokens.endOfText,
        random: seededRandom("ask"),
      });
      return processor.tokenizer.decode(drawn![0]!.tokens, { skipSpecial: true });
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
};
