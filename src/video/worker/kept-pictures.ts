/** For every frame of a clip the frame that its twin shows there. */
export type TwinSources = Int32Array;

/**
 * Pictures that the twin shows at other times than their own, kept from when they are decoded until they are shown for
 * the last time.
 */
export class KeptPictures {
  /** By frame: the frames that need no longer be kept once it has passed. */
  readonly #droppedAfter = new Map<number, number[]>();
  readonly #wanted = new Set<number>();
  readonly #pictures = new Map<number, Uint8Array>();
  /** Frames that the twin shows before their own time, ascending. */
  readonly ahead: readonly number[];

  constructor(sources: TwinSources) {
    const lastUse = new Map<number, number>();
    const ahead = new Set<number>();
    sources.forEach((from, index) => {
      if (from === index) return;
      lastUse.set(from, Math.max(from, index, lastUse.get(from) ?? 0));
      if (index < from) ahead.add(from);
    });
    for (const [from, last] of lastUse) {
      this.#wanted.add(from);
      const dropped = this.#droppedAfter.get(last);
      if (dropped === undefined) this.#droppedAfter.set(last, [from]);
      else dropped.push(from);
    }
    this.ahead = [...ahead].sort((a, b) => a - b);
  }

  /** Keeps the picture of a frame if the twin shows it elsewhere; it must not be changed from then on. */
  offer(frame: number, picture: Uint8Array): void {
    if (this.#wanted.has(frame)) this.#pictures.set(frame, picture);
  }

  /** The picture of a frame; undefined when it was not offered. */
  get(frame: number): Uint8Array | undefined {
    return this.#pictures.get(frame);
  }

  /** Drops what nobody shows behind this frame. */
  passed(frame: number): void {
    for (const from of this.#droppedAfter.get(frame) ?? []) this.#pictures.delete(from);
  }
}
