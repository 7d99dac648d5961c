/** Facts about one packet, as bits. */
export const packetFlag = {
  key: 1,
  /** Decoded but not shown (edit list). */
  discard: 2,
  /** The container says that it is damaged. */
  corrupt: 4,
  /** No other picture refers to it. */
  disposable: 8,
  /** Its inner lengths do not add up. */
  broken: 16,
  /** Carries no picture that is shown. */
  hidden: 32,
  /** Marked as key, but the picture is whole only some packets later. */
  gradual: 64,
} as const;

/** The packets of one stream in the order of the file; missing times are NaN, times are in ticks of the stream. */
export class PacketTable {
  count = 0;
  pts: Float64Array = new Float64Array(1024);
  dts: Float64Array = new Float64Array(1024);
  duration: Float64Array = new Float64Array(1024);
  position: Float64Array = new Float64Array(1024);
  flags: Uint8Array = new Uint8Array(1024);
  add(pts: number, dts: number, duration: number, position: number, flags: number): void {
    if (this.count === this.flags.length) this.#grow();
    const at = this.count++;
    this.pts[at] = pts;
    this.dts[at] = dts;
    this.duration[at] = duration;
    this.position[at] = position;
    this.flags[at] = flags;
  }
  /** True when packet `at` has every bit of `flag`. */
  has(at: number, flag: number): boolean {
    return (this.flags[at]! & flag) !== 0;
  }
  #grow(): void {
    const size = this.flags.length * 2;
    const grown = (old: Float64Array): Float64Array => {
      const made = new Float64Array(size);
      made.set(old);
      return made;
    };
    this.pts = grown(this.pts);
    this.dts = grown(this.dts);
    this.duration = grown(this.duration);
    this.position = grown(this.position);
    const flags = new Uint8Array(size);
    flags.set(this.flags);
    this.flags = flags;
  }
}
