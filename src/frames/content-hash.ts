import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { sha256, sha256OfFile, writeFileAtomic } from "../core/files.ts";
import { nowMilliseconds } from "../core/progress.ts";
import type { CacheFolder } from "./cache-folder.ts";

/** A file changed less than this long ago may change again without its times telling: some file systems count in 2 s. */
const defaultSettledSeconds = 2;

/** A file's place and everything that changes when its content does. */
export interface FileState {
  readonly text: string;
  /** Seconds since the last change. */
  readonly restedSeconds: number;
}

/**
 * What the file system says about a file now.
 * @throws the system's error for a file that is not there
 */
export const fileState = (file: string): FileState => {
  const { size, mtimeNs, ctimeNs, ino, dev } = statSync(file, { bigint: true });
  const now = performance.timeOrigin + nowMilliseconds();
  const changed = Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n);
  return {
    text: [resolve(file), size, mtimeNs, ctimeNs, ino, dev].join("\0"),
    restedSeconds: (now - changed) / 1000,
  };
};

const isSha256 = /^[0-9a-f]{64}$/;

/**
 * SHA-256 of files, read once for each state of a file: remembered in this process, and in `folder` for the next one.
 */
export class ContentHash {
  #folder: CacheFolder | undefined;
  #settledSeconds: number;
  #known = new Map<string, Promise<string>>();
  /** @param settledSeconds a hash is noted for the next process when the file has rested this long */
  constructor(folder?: CacheFolder, settledSeconds: number = defaultSettledSeconds) {
    this.#folder = folder;
    this.#settledSeconds = settledSeconds;
  }
  /** Lower-case hexadecimal. @throws the system's error for a file that cannot be read */
  async of(file: string): Promise<string> {
    const state = fileState(file);
    let hash = this.#known.get(state.text);
    if (hash === undefined) {
      hash = this.#find(file, state);
      this.#known.set(state.text, hash);
      hash.catch(() => this.#known.delete(state.text));
    }
    return hash;
  }
  async #find(file: string, state: FileState): Promise<string> {
    const note = this.#folder?.fileOf(sha256(state.text), "sha256");
    if (note !== undefined)
      try {
        const found = readFileSync(note, "utf8");
        if (isSha256.test(found)) {
          this.#folder?.touch(note);
          return found;
        }
      } catch {
        // Not noted yet.
      }
    const hash = await sha256OfFile(file);
    const rested = state.restedSeconds > this.#settledSeconds;
    if (note !== undefined && rested && fileState(file).text === state.text)
      try {
        writeFileAtomic(note, hash);
        this.#folder?.added(hash.length);
      } catch {
        // A note that cannot be written costs the next process a pass over the file.
      }
    return hash;
  }
}
