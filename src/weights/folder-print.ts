import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** Files that decide what a checkpoint or an adapter says. */
const decisive = /\.(?:safetensors|bin|json|jinja|txt|model)$/;
/** Pieces of a large file that are looked at, evenly spread with both ends, and their bytes. */
const [pieces, pieceBytes] = [256, 4096];

/**
 * A name for what a folder of weights holds: names and sizes of its files, and their content, of which large files give
 * 256 pieces of 4 KiB. Training changes every matrix, so another state of it has another name; a single changed byte of
 * a large file may go unseen.
 */
export const folderPrint = (folder: string): string => {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort()) {
    const file = join(folder, name);
    const { size } = statSync(file);
    if (!decisive.test(name) || !statSync(file).isFile()) continue;
    hash.update(`${name} ${size}\n`);
    const handle = openSync(file, "r");
    const isSmall = size <= pieces * pieceBytes;
    const piece = Buffer.alloc(isSmall ? size : pieceBytes);
    for (let i = 0; i < (isSmall ? 1 : pieces); i++) {
      const at = isSmall ? 0 : Math.floor((i * (size - pieceBytes)) / (pieces - 1));
      hash.update(piece.subarray(0, readSync(handle, piece, 0, piece.length, at)));
    }
    closeSync(handle);
  }
  return hash.digest("hex");
};
