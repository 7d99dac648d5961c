import { copyFileSync, existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import type { ClipStore } from "./protocol.ts";

let serial = 0;

/**
 * Puts a clip into `clips/` under the name of its content, or names the way out to it.
 *
 * @returns the clip's path, relative to the data set folder
 */
export const storeClip = (path: string, sha256: string, out: string, store: ClipStore): string => {
  if (store === "refer") return relative(out, path).split(sep).join("/");
  const file = `clips/${sha256}${extname(path).toLowerCase()}`;
  const target = join(out, file);
  if (existsSync(target)) return file;
  const temporary = `${target}.${process.pid}-${serial++}.tmp`;
  try {
    if (store === "link")
      try {
        linkSync(path, temporary);
      } catch {
        // Another disk, or a file system without links.
        copyFileSync(path, temporary);
      }
    else copyFileSync(path, temporary);
    renameSync(temporary, target);
  } finally {
    // Renaming a second name of a file onto the first one leaves both.
    rmSync(temporary, { force: true });
  }
  return file;
};
