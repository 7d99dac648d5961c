import type { VideoLimits } from "./limits.ts";
import type { EncodeOptions, FrameRequest, RewriteRequest } from "./request.ts";
import type { DecoderIdentity } from "./types.ts";

/**
 * The language between the program and its workers: messages over two pipes, each an 8-byte head (bytes of JSON, bytes
 * of payload, both little-endian uint32), the JSON, the payload. Pixels travel as payload, or lie in `pixel-file.ts`.
 */

/** Where a chunk's pixels lie in the file that both have open, in bytes. */
export interface PixelPlace {
  readonly start: number;
  readonly bytes: number;
}

/** A file being written: under a temporary name until all of it is there. */
export interface OutputFile {
  readonly file: string;
  readonly temporary: string;
}

/** Where a clip's index is kept, or may be: only for the file of this size and time of last change (ms). */
export interface KeptIndex {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** What a worker can be asked to do. */
export type Job =
  | { readonly kind: "probe"; readonly file: string; readonly index?: KeptIndex }
  | {
      readonly kind: "frames";
      readonly file: string;
      readonly index?: KeptIndex;
      readonly request: FrameRequest;
      readonly threads: number;
    }
  | {
      readonly kind: "write";
      readonly output: OutputFile;
      readonly width: number;
      readonly height: number;
      readonly endSeconds?: number;
      readonly encode: EncodeOptions;
    }
  | {
      readonly kind: "rewrite";
      readonly file: string;
      readonly index?: KeptIndex;
      readonly complete?: OutputFile;
      readonly absent?: OutputFile;
      readonly replacements: RewriteRequest["replacements"];
      readonly encode: EncodeOptions;
      readonly threads: number;
    };

/** Program to worker. "more" admits one more chunk, "stop" ends a stream of chunks, "frames" feeds a write. */
export type ToWorker =
  | { readonly type: "job"; readonly job: Job; readonly limits: VideoLimits }
  | { readonly type: "more" }
  | { readonly type: "stop" }
  | { readonly type: "frames"; readonly timesSeconds: readonly number[]; readonly last: boolean };

/** Worker to program. */
export type FromWorker =
  | { readonly type: "ready"; readonly decoder: DecoderIdentity }
  | { readonly type: "unavailable"; readonly reason: string }
  | { readonly type: "alive" }
  | {
      readonly type: "chunk";
      readonly indices: readonly number[];
      readonly timesSeconds: readonly number[];
      readonly width: number;
      readonly height: number;
      readonly repeated: readonly number[];
      /** Where the pixels lie; they are the payload when left out. */
      readonly place?: PixelPlace;
    }
  /** Ready for the next frames of a write. */
  | { readonly type: "fed" }
  | { readonly type: "done"; readonly result: unknown }
  | {
      readonly type: "failed";
      readonly kind: "video" | "unsupported" | "config" | "internal";
      readonly what: string;
    };

/** Bytes of a message's head. */
export const headBytes = 8;

/** How many chunks may be under way before the worker waits for "more". */
export const chunkWindow = 2;

/** Head and JSON of a message, to be followed by its payload. */
export const encodeHead = (message: ToWorker | FromWorker, payloadBytes: number): Buffer => {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.allocUnsafe(headBytes + json.length);
  head.writeUInt32LE(json.length, 0);
  head.writeUInt32LE(payloadBytes, 4);
  json.copy(head, headBytes);
  return head;
};

/** Puts messages together from pieces of any size; the payload is copied once, into memory of its own. */
export class PayloadReader<Message> {
  #head: Buffer = Buffer.allocUnsafe(headBytes);
  #stage: "head" | "json" | "payload" = "head";
  #target: Buffer = this.#head;
  #filled = 0;
  #payloadBytes = 0;
  #message: Message | undefined;
  #deliver: (message: Message, payload: Buffer) => void;
  #memory: (bytes: number) => Buffer;
  /** @param memory where payloads go */
  constructor(
    deliver: (message: Message, payload: Buffer) => void,
    memory: (bytes: number) => Buffer = Buffer.allocUnsafeSlow,
  ) {
    this.#deliver = deliver;
    this.#memory = memory;
  }
  /** Takes the next piece of the stream. */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length || this.#target.length === 0) {
      const taken = piece.copy(this.#target, this.#filled, at, at + this.#target.length - this.#filled);
      at += taken;
      this.#filled += taken;
      if (this.#filled === this.#target.length) this.#advance();
      else if (taken === 0) return;
    }
  }
  #expect(stage: "head" | "json" | "payload", target: Buffer): void {
    this.#stage = stage;
    this.#target = target;
    this.#filled = 0;
  }
  #advance(): void {
    if (this.#stage === "head") {
      this.#payloadBytes = this.#head.readUInt32LE(4);
      this.#expect("json", Buffer.allocUnsafeSlow(this.#head.readUInt32LE(0)));
    } else if (this.#stage === "json") {
      this.#message = JSON.parse(this.#target.toString()) as Message;
      const bytes = this.#payloadBytes;
      this.#expect("payload", bytes === 0 ? Buffer.alloc(0) : this.#memory(bytes));
    } else {
      const payload = this.#target;
      this.#expect("head", this.#head);
      this.#deliver(this.#message as Message, payload);
    }
  }
}
