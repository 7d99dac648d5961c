import { renameSync, rmSync } from "node:fs";
import type { RawFrames } from "../video/types.ts";
import { CacheTrouble, EntryWriter } from "./cache-entry.ts";

/** What a {@link Recording} is made of. */
export interface RecordingRequest {
  /** Where the entry goes when it is whole. */
  readonly file: string;
  readonly temporary: string;
  /** Starts the decode. */
  readonly decode: (signal: AbortSignal) => AsyncIterable<RawFrames>;
  /** False when the answer must not be kept after all; must not throw. */
  readonly mayKeep: () => boolean;
  /** Called once at the end: bytes kept, and why none were when that is the folder's fault; must not throw. */
  readonly onEnd: (bytes: number, trouble: CacheTrouble | undefined) => void;
}

/**
 * One decode under way into a cache entry. Any number of readers follow it, each at its own pace: a slow one holds
 * nobody up, so readers that wait for each other cannot lock. When the last one leaves early the decode stops.
 */
export class Recording {
  #request: RecordingRequest;
  #writer: EntryWriter;
  #readers = 0;
  #error: unknown;
  #over = false;
  #closed = false;
  #stop = new AbortController();
  #waiting: (() => void)[] = [];
  #ended: Promise<void>;
  /** @throws {CacheTrouble} when the folder takes no file */
  constructor(request: RecordingRequest) {
    this.#request = request;
    try {
      this.#writer = new EntryWriter(request.temporary);
    } catch (error) {
      throw new CacheTrouble(`cannot write (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`);
    }
    this.#ended = this.#record();
  }
  /** False once the last reader has left or all is recorded: then nobody may join. */
  get open(): boolean {
    return !this.#closed && !this.#over;
  }
  /** The frames from the first one on, as they come. @throws what the decode throws; {CacheTrouble} */
  async *read(signal: AbortSignal | undefined): AsyncGenerator<RawFrames> {
    this.#readers++;
    const wake = (): void => this.#wake();
    signal?.addEventListener("abort", wake);
    try {
      for (let from = 0; ; ) {
        if (signal?.aborted === true) throw new DOMException("stopped", "AbortError");
        if (from < this.#writer.count) {
          const chunk = this.#writer.read(from);
          from += chunk.frames.length;
          yield chunk;
        } else if (this.#over) {
          if (this.#error !== undefined) throw this.#error;
          return;
        } else
          await new Promise<void>((resolve) => {
            this.#waiting.push(resolve);
          });
      }
    } finally {
      signal?.removeEventListener("abort", wake);
      if (--this.#readers === 0) await this.#leave(signal?.aborted === true);
    }
  }
  /** Nobody reads any more. */
  async #leave(atOnce: boolean): Promise<void> {
    this.#closed = true;
    if (atOnce) this.#stop.abort();
    await this.#ended;
    this.#writer.close();
  }
  async #record(): Promise<void> {
    const { decode, temporary, onEnd } = this.#request;
    let kept = 0;
    let trouble: CacheTrouble | undefined;
    try {
      for await (const chunk of decode(this.#stop.signal)) {
        this.#writer.add(chunk);
        this.#wake();
        if (this.#closed) break;
      }
      if (!this.#closed) [kept, trouble] = this.#keep();
    } catch (error) {
      this.#error = error;
    } finally {
      this.#over = true;
      this.#wake();
      rmSync(temporary, { force: true });
      onEnd(kept, trouble);
    }
  }
  /** Gives the entry its name. Readers have what they need even when that fails. */
  #keep(): [bytes: number, trouble: CacheTrouble | undefined] {
    const { file, temporary, mayKeep } = this.#request;
    if (!mayKeep()) return [0, undefined];
    try {
      this.#writer.finish();
      renameSync(temporary, file);
      return [this.#writer.bytes, undefined];
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return [0, error instanceof CacheTrouble ? error : new CacheTrouble(`cannot rename (${code})`)];
    }
  }
  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
