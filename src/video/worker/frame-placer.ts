import { MemoryPool } from "../../core/memory-pool.ts";
import type { PictureSize } from "../frame-size.ts";
import { type ResizePlan, resizePicture, resizePlan } from "../pillow-bicubic.ts";
import type { Timeline } from "../types.ts";

/** Bytes of pixels in one chunk, unless one frame is larger. */
const chunkBytes = 4 << 20;

/** Chunks' memory from one job to the next: new memory for each makes the garbage collector look through the whole heap. */
const memory = new MemoryPool(1);

/** Frames on their way out. */
export interface Chunk {
  /** Valid until they are sent. */
  readonly pixels: Uint8Array;
  readonly indices: readonly number[];
  readonly timesSeconds: readonly number[];
  readonly width: number;
  readonly height: number;
  /** Frames that could not be decoded and show the one before (or the next) instead. */
  readonly repeated: readonly number[];
}

/** Sends a chunk; says whether more is wanted. */
export type Emit = (chunk: Chunk) => Promise<boolean>;

/** Collects frames into chunks; `flush` sends what there is and says whether more is wanted. */
class ChunkCollector {
  #size: PictureSize;
  #timeline: Timeline;
  #capacity: number;
  #pixels: Uint8Array;
  #indices: number[] = [];
  #repeated: number[] = [];
  #emit: Emit;
  /** True once the reader wanted no more. */
  stopped = false;
  constructor(size: PictureSize, timeline: Timeline, expected: number, emit: Emit) {
    this.#size = size;
    this.#timeline = timeline;
    this.#emit = emit;
    const bytes = size.width * size.height * 3;
    this.#capacity = Math.max(1, Math.min(expected, Math.floor(chunkBytes / bytes)));
    this.#pixels = memory.take(this.#capacity * bytes);
  }
  /** Gives its memory to the next job's. */
  close(): void {
    memory.giveBack(this.#pixels);
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

/** Puts pictures of any size at their places among the frames asked for, and a neighbour where one is missing. */
export class FramePlacer {
  readonly #targets: Int32Array;
  readonly #size: PictureSize;
  readonly #collector: ChunkCollector;
  readonly #plans = new Map<string, ResizePlan>();
  /** Position of the frame that is expected next. */
  #expected = 0;
  /** The slot that was filled last: its memory stays untouched until another one is filled. */
  #last: Uint8Array | undefined;
  constructor(targets: Int32Array, size: PictureSize, timeline: Timeline, emit: Emit) {
    this.#targets = targets;
    this.#size = size;
    this.#collector = new ChunkCollector(size, timeline, targets.length, emit);
  }
  /** Whether any frame was placed. */
  get empty(): boolean {
    return this.#last === undefined;
  }
  /** Takes the picture of a frame, ascending; false: no more wanted. */
  place(frame: number, rgb: Uint8Array, width: number, height: number): boolean | Promise<boolean> {
    const next = this.#targets[this.#expected];
    // Found by a second look after its place was filled with a neighbour: what was sent cannot be taken back.
    if (next === undefined || frame < next) return true;
    if (frame !== next) return this.#placeBehindGap(frame, rgb, width, height);
    const slot = this.#collector.slot();
    resizePicture(rgb, this.#planFor(width, height), slot);
    return this.#filled(slot, frame);
  }
  /** Fills what is missing at the end and sends the rest; gives the number of frames that repeat a neighbour there. */
  async finish(): Promise<number> {
    if (this.#collector.stopped) return 0;
    const missing = this.#targets.length - this.#expected;
    if (this.#last !== undefined) await this.#fill(Number.POSITIVE_INFINITY, this.#last);
    if (!this.#collector.stopped) await this.#collector.flush();
    return missing;
  }
  /** Must be called once, when nothing is placed or sent any more. */
  close(): void {
    this.#collector.close();
  }
  #planFor(width: number, height: number): ResizePlan {
    const key = `${width}x${height}`;
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      plan = resizePlan(width, height, this.#size.width, this.#size.height);
      this.#plans.set(key, plan);
    }
    return plan;
  }
  #filled(slot: Uint8Array, frame: number): boolean | Promise<boolean> {
    this.#last = slot;
    this.#expected++;
    return this.#collector.add(frame, false);
  }
  async #fill(until: number, pixels: Uint8Array): Promise<boolean> {
    while (this.#expected < this.#targets.length && this.#targets[this.#expected]! < until) {
      const slot = this.#collector.slot();
      slot.set(pixels);
      this.#last = slot;
      if (!(await this.#collector.add(this.#targets[this.#expected++]!, true))) return false;
    }
    return true;
  }
  async #placeBehindGap(frame: number, rgb: Uint8Array, width: number, height: number): Promise<boolean> {
    const pixels = new Uint8Array(this.#size.width * this.#size.height * 3);
    resizePicture(rgb, this.#planFor(width, height), pixels);
    if (!(await this.#fill(frame, this.#last ?? pixels))) return false;
    const slot = this.#collector.slot();
    slot.set(pixels);
    return this.#filled(slot, frame);
  }
}
