const newline = 10;

/** Below zero: the line at `start` comes before the key and its closing byte; zero: it begins with them. */
const compareAt = (bytes: Uint8Array, start: number, key: string, closing: number): number => {
  for (let at = 0; at <= key.length; at++) {
    const difference = (bytes[start + at] ?? -1) - (at < key.length ? key.charCodeAt(at) : closing);
    if (difference !== 0) return difference;
  }
  return 0;
};

/**
 * The lines of a file that is sorted by its bytes, found where they lie: reading WordNet's hundred thousands of them into a
 * table takes longer than most programs look at it.
 */
export class SortedLines {
  readonly #bytes: Buffer;
  readonly #closing: number;

  /** @param closing the character that ends a line's key and is part of none */
  constructor(bytes: Buffer, closing: string) {
    this.#bytes = bytes;
    this.#closing = closing.charCodeAt(0);
  }

  #end(start: number): number {
    const bytes = this.#bytes;
    let end = start;
    while (end < bytes.length && bytes[end] !== newline) end++;
    return end;
  }

  /** Where the first line with the key starts; undefined: there is none. */
  #find(key: string): number | undefined {
    if (key === "" || key.includes(String.fromCharCode(this.#closing))) return undefined;
    const bytes = this.#bytes;
    let [low, high] = [0, bytes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      let start = middle;
      while (start > low && bytes[start - 1] !== newline) start--;
      if (compareAt(bytes, start, key, this.#closing) < 0) low = this.#end(middle) + 1;
      else high = start;
    }
    return compareAt(bytes, low, key, this.#closing) === 0 ? low : undefined;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** The first line with the key, without its end. */
  line(key: string): string | undefined {
    const start = this.#find(key);
    return start === undefined ? undefined : this.#bytes.toString("latin1", start, this.#end(start));
  }

  /** Every line with the key, in order. */
  *lines(key: string): Generator<string> {
    let start = this.#find(key);
    while (start !== undefined && compareAt(this.#bytes, start, key, this.#closing) === 0) {
      const end = this.#end(start);
      yield this.#bytes.toString("latin1", start, end);
      start = end + 1;
    }
  }
}
