import type { Backend, ClipIndex } from "../backend/backend.ts";
import { displayedSize, timelineOf, uprightSize } from "../clip-info.ts";
import { resizedChain, rgbChain, zscaleTakes } from "../filter-chain.ts";
import { type PictureSize, wantedSize } from "../frame-size.ts";
import type { VideoLimits } from "../limits.ts";
import { type ResizePlan, resizePicture, resizePlan } from "../pillow-bicubic.ts";
import type { FrameRequest } from "../request.ts";
import { resolveRequest } from "../resolve-request.ts";
import type { Timeline } from "../types.ts";

/** Bytes of pixels in one chunk, unless one frame is larger. */
const chunkBytes = 4 << 20;

/** Frames on their way out. */
export interface Chunk {
  readonly pixels: Uint8Array;
  readonly indices: readonly number[];
  readonly timesSeconds: readonly number[];
  readonly width: number;
  readonly height: number;
  /** Frames that could not be decoded and show the one before (or the next) instead. */
  readonly repeated: readonly number[];
}

/** Collects frames into chunks; `flush` sends what there is and says whether more is wanted. */
class Collector {
  #size: PictureSize;
  #timeline: Timeline;
  #capacity: number;
  #pixels: Uint8Array;
  #indices: number[] = [];
  #repeated: number[] = [];
  #emit: (chunk: Chunk) => Promise<boolean>;
  /** True once the reader wanted no more. */
  stopped = false;
  constructor(
    size: PictureSize,
    timeline: Timeline,
    expected: number,
    emit: (chunk: Chunk) => Promise<boolean>,
  ) {
    this.#size = size;
    this.#timeline = timeline;
    this.#emit = emit;
    const bytes = size.width * size.height * 3;
    this.#capacity = Math.max(1, Math.min(expected, Math.floor(chunkBytes / bytes)));
    this.#pixels = new Uint8Array(this.#capacity * bytes);
  }
  /** Where the next frame's pixels go. */
  slot(): Uint8Array {
    const bytes = this.#size.width * this.#size.height * 3;
    return this.#pixels.subarray(this.#indices.length * bytes, (this.#indices.length + 1) * bytes);
  }
  /** Takes the frame whose pixels were put into the slot. */
  add(index: number, repeated: boolean): boolean | Promise<boolean> {
    this.#indices.push(index);
    if (repeated) this.#repeated.push(index);
    return this.#indices.length < this.#capacity ? true : this.flush();
  }
  async flush(): Promise<boolean> {
    if (this.#indices.length === 0) return true;
    const { width, height } = this.#size;
    const indices = this.#indices;
    const more = await this.#emit({
      pixels: this.#pixels.subarray(0, indices.length * width * height * 3),
      indices,
      timesSeconds: indices.map((index) => this.#timeline[index]!.timeSeconds),
      width,
      height,
      repeated: this.#repeated,
    });
    this.#indices = [];
    this.#repeated = [];
    this.stopped = !more;
    return more;
  }
}

/** Decodes, turns, resizes and sends the frames of a request. Gives the faults that were found on the way. */
export const framesJob = async (
  backend: Backend,
  clip: ClipIndex,
  request: FrameRequest,
  threads: number,
  limits: VideoLimits,
  emit: (chunk: Chunk) => Promise<boolean>,
  alive: () => void,
): Promise<{ faults: readonly string[] }> => {
  const timeline = timelineOf(clip);
  const targets = resolveRequest(request, timeline);
  if (targets.length === 0) return { faults: [] };
  const upright = uprightSize(clip);
  const size = wantedSize(displayedSize(clip), request.size);
  const { colour, orientation } = clip.facts;
  const stays = size.width === upright.width && size.height === upright.height;
  const fits = zscaleTakes(colour, clip.facts.codedWidth, clip.facts.codedHeight);
  const inDecoder = request.resizer === "zscale" && !stays && fits;
  const chain = inDecoder
    ? resizedChain(colour, orientation, size.width, size.height)
    : rgbChain(colour, orientation);
  const collector = new Collector(size, timeline, targets.length, emit);
  const plans = new Map<string, ResizePlan>();
  const planFor = (width: number, height: number): ResizePlan => {
    const key = `${width}x${height}`;
    let plan = plans.get(key);
    if (plan === undefined) {
      plan = resizePlan(width, height, size.width, size.height);
      plans.set(key, plan);
    }
    return plan;
  };
  let expected = 0;
  // The slot that was filled last: its memory stays untouched until another one is filled.
  let last: Uint8Array | undefined;
  const fillMissing = async (until: number, pixels: Uint8Array): Promise<boolean> => {
    while (expected < targets.length && targets[expected]! < until) {
      const slot = collector.slot();
      slot.set(pixels);
      last = slot;
      if (!(await collector.add(targets[expected++]!, true))) return false;
    }
    return true;
  };
  const place = async (frame: number, rgb: Uint8Array, width: number, height: number): Promise<boolean> => {
    const pixels = new Uint8Array(size.width * size.height * 3);
    resizePicture(rgb, planFor(width, height), pixels);
    if (!(await fillMissing(frame, last ?? pixels))) return false;
    const slot = collector.slot();
    slot.set(pixels);
    last = slot;
    expected++;
    return collector.add(frame, false);
  };
  const outcome = await backend.decode(
    clip,
    {
      targets,
      chain,
      width: inDecoder ? size.width : upright.width,
      height: inDecoder ? size.height : upright.height,
      threads,
      alive,
      deliver: (frame, rgb, width, height) => {
        // Found by a second look after its place was filled with a neighbour: what was sent cannot be taken back.
        if (expected === targets.length || frame < targets[expected]!) return true;
        if (frame !== targets[expected]) return place(frame, rgb, width, height);
        const slot = collector.slot();
        resizePicture(rgb, planFor(width, height), slot);
        last = slot;
        expected++;
        return collector.add(frame, false);
      },
    },
    limits,
  );
  const faults = [...outcome.faults];
  if (collector.stopped) return { faults };
  if (expected < targets.length && last !== undefined) {
    const missing = targets.length - expected;
    if (await fillMissing(Number.POSITIVE_INFINITY, last))
      faults.push(`${missing} frames could not be decoded`);
  }
  await collector.flush();
  return { faults };
};
