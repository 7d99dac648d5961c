/**
 * Large pieces of memory that are used again. Left to the garbage collector, pixels of a few clips make it run at every one:
 * it looks through the whole heap each time, and fresh memory is cleared page by page.
 */
export class MemoryPool {
  readonly #most: number;
  readonly #free: ArrayBuffer[] = [];
  /** @param most pieces that are kept for later */
  constructor(most: number) {
    this.#most = most;
  }
  /** Memory of `bytes` whose content is whatever was there before. */
  take(bytes: number): Uint8Array {
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= bytes);
    const [buffer] = at < 0 ? [new ArrayBuffer(bytes)] : this.#free.splice(at, 1);
    return new Uint8Array(buffer!, 0, bytes);
  }
  /** Takes back what {@link take} gave, once; nobody may look at it any more. */
  giveBack(piece: Uint8Array): void {
    this.#free.push(piece.buffer as ArrayBuffer);
    if (this.#free.length > this.#most) this.#free.shift();
  }
}
