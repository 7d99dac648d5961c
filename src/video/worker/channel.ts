import { read, readSync, writeSync } from "node:fs";
import { encodeHead, type FromWorker, headBytes, type ToWorker } from "../protocol.ts";

const inputHandle = 3;
const outputHandle = 4;
/** The file in which pixels are handed over, where the program has one. */
export const pixelHandle = 5;

/** A message from the program with its payload. */
export interface Received {
  readonly message: ToWorker;
  readonly payload: Buffer;
}

const fillSync = (target: Buffer, from: number): void => {
  let at = from;
  while (at < target.length) {
    const count = readSync(inputHandle, target, at, target.length - at, null);
    if (count === 0) process.exit(0);
    at += count;
  }
};

/**
 * Waits for the next message. Only the wait for its first bytes is asynchronous: both pipes block on this side, which
 * is what holds a fast decoder back while its reader is slow. The program's end of the pipe closing ends this process.
 */
export const receive = (): Promise<Received> =>
  new Promise((resolve) => {
    const head = Buffer.allocUnsafe(headBytes);
    read(inputHandle, head, 0, headBytes, null, (error, count) => {
      if (error !== null || count === 0) process.exit(0);
      fillSync(head, count);
      const json = Buffer.allocUnsafe(head.readUInt32LE(0));
      fillSync(json, 0);
      const payload = Buffer.allocUnsafeSlow(head.readUInt32LE(4));
      fillSync(payload, 0);
      resolve({ message: JSON.parse(json.toString()) as ToWorker, payload });
    });
  });

const writeAll = (bytes: Uint8Array): void => {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(outputHandle, bytes, at, bytes.length - at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EAGAIN" || code === "EINTR") continue;
      process.exit(0);
    }
  }
};

/** Sends a message; returns when the program's pipe has taken all of it. */
export const send = (message: FromWorker, payload?: Uint8Array): void => {
  writeAll(encodeHead(message, payload?.length ?? 0));
  if (payload !== undefined && payload.length > 0) writeAll(payload);
};
