import { copyFileSync, existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import type { ClipStore } from "./protocol.ts";

let serial = 0;

/** Where a clip will be, relative to the data set folder; nothing is done yet. */
export const storedName = (path: string, sha256: string, out: string, store: ClipStore): string =>
  store === "refer"
    ? relative(out, path).split(sep).join("/")
    : `clips/${sha256}${extname(path).toLowerCase()}`;

/**
 * Puts a clip into `clips/` under the name of its content. A second name changes the file's times, by which its hash is
 * remembered: whoever still reads the clip does so before.
 */
export const storeClip = (path: string, sha256: string, out: string, store: ClipStore): void => {
  if (store === "refer") return;
  const target = join(out, storedName(path, sha256, out, store));
  if (existsSync(target)) return;
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
};
