import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Bytes of a file at any place; what lies behind the end is missing, never an error. */
export class ByteSource implements Disposable {
  readonly size: number;
  readonly #handle: number;
  constructor(file: string) {
    this.#handle = openSync(file, "r");
    this.size = fstatSync(this.#handle).size;
  }
  /** At most `length` bytes from `at` on, in memory of their own. */
  read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.size - at)));
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(this.#handle, bytes, filled, bytes.length - filled, at + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }
  [Symbol.dispose](): void {
    closeSync(this.#handle);
  }
}
