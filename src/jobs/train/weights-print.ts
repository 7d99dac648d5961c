import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../core/files.ts";

const piece = 65_536;

/** Beginning and end of a file, where a weight file says what it holds and its last tensor lies. */
const edgesOf = (file: string, size: number): Uint8Array => {
  const bytes = Buffer.alloc(Math.min(size, 2 * piece));
  const handle = openSync(file, "r");
  try {
    const first = readSync(handle, bytes, 0, Math.min(piece, size), 0);
    if (size > piece) readSync(handle, bytes, first, bytes.length - first, size - (bytes.length - first));
    return bytes;
  } finally {
    closeSync(handle);
  }
};

/**
 * What tells a checkpoint from another one without reading all of it: names and sizes of its weight files with the first
 * and last 64 KiB of each.
 */
export const weightsPrint = (folder: string): string =>
  sha256(
    JSON.stringify(
      readdirSync(folder)
        .filter((name) => /\.(safetensors|bin)$/.test(name))
        .sort()
        .map((name) => {
          const file = join(folder, name);
          const { size } = statSync(file);
          return [name, size, sha256(edgesOf(file, size))];
        }),
    ),
  );
