import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root: string = fileURLToPath(new URL("..", import.meta.url));
const folder: string = resolve(root, process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared");

/** True when the shared data (clips, fixtures, tokenizers) lie beside the checkout. */
export const sharedAvailable: boolean = existsSync(join(folder, "data"));

/** Path of a file or folder of the shared data, e.g. "data/fixtures/lora". */
export const sharedFile = (path: string): string => join(folder, path);

/** Says loudly that tests were skipped because the shared data are missing; gives back whether they are. */
export const sharedMissing = (what: string): boolean => {
  if (!sharedAvailable) console.log(`\nSKIPPED: ${what}: no shared data (set VIDEOPERCEIVER_SHARED)\n`);
  return !sharedAvailable;
};
