import { writeSync } from "node:fs";
import { messageOf, RunError } from "../core/errors.ts";

/** Writes all bytes at the end of an open file; they are the system's when it returns. @throws {RunError} naming `file` */
export const appendBytes = (handle: number, bytes: Uint8Array, file: string): void => {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
  } catch (error) {
    throw new RunError("cannot write", {
      where: file,
      got: messageOf(error),
      hint: "make room on the disk, then go on with --resume",
      cause: error,
    });
  }
};
