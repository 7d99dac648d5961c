import { frameIndex, seconds } from "../../../src/core/units.ts";
import type { FrameRequest } from "../../../src/video/request.ts";
import { resolveRequest } from "../../../src/video/resolve-request.ts";
import { timelineFromTimes } from "../../../src/video/timeline.ts";
import type { RawFrames, VideoInfo } from "../../../src/video/types.ts";

const width = 4;
const height = 2;

/** A service without a decoder: 20 frames of 4x2, frame i filled with i, one frame a chunk; frame 3 is a repetition. */
export class FakeService {
  decodes = 0;
  /** Frame at which decoding breaks. */
  failsAt: number | undefined;
  /** Milliseconds a frame. */
  pause = 2;
  readonly #version: string;
  readonly #timeline = timelineFromTimes(Array.from({ length: 20 }, (_, i) => i / 10));
  constructor(version = "1") {
    this.#version = version;
  }
  static pixels(indices: readonly number[]): Uint8Array {
    return Uint8Array.from(indices.flatMap((index) => new Array<number>(width * height * 3).fill(index)));
  }
  decoder = async (): Promise<{ name: string; version: string }> => ({
    name: "fake",
    version: this.#version,
  });
  probe = async (file: string): Promise<VideoInfo> =>
    ({
      file,
      width,
      height,
      timeline: this.#timeline,
      decoder: await this.decoder(),
    }) as unknown as VideoInfo;
  async *frames(_file: string, request: FrameRequest): AsyncGenerator<RawFrames> {
    this.decodes++;
    for (const index of resolveRequest(request, this.#timeline)) {
      await new Promise((resolve) => setTimeout(resolve, this.pause));
      if (index === this.failsAt) throw new Error(`broken at ${index}`);
      yield {
        pixels: FakeService.pixels([index]),
        frames: [{ index: frameIndex(index), timeSeconds: seconds(index / 10) }],
        width,
        height,
        ...(index === 3 && { repeated: [3] }),
      };
    }
  }
}
