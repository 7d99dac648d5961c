import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../core/files.ts";
import { nowMilliseconds } from "../core/progress.ts";

/** Seconds after which a file that nobody goes on writing belongs to a process that was ended. */
const abandonedSeconds = 600;

const wallSeconds = (): number => (performance.timeOrigin + nowMilliseconds()) / 1000;

let serial = 0;

/**
 * A folder of files that can be made again, at most `limitBytes` of them; what was used longest ago goes first.
 * Processes share it: files appear by renaming, and whoever has one open may go on reading after it was removed.
 */
export class CacheFolder {
  readonly path: string;
  readonly limitBytes: number;
  #unseenBytes = Number.POSITIVE_INFINITY;
  /** @throws the system's error when the folder cannot be made */
  constructor(path: string, limitBytes: number) {
    this.path = path;
    this.limitBytes = limitBytes;
    makeFolder(path);
  }
  /** Where the file of a key is, or would be. */
  fileOf(key: string, suffix: string): string {
    return join(this.path, `${key}.${suffix}`);
  }
  /** A name that nobody else uses, for writing `file` before it is renamed. */
  temporaryOf(file: string): string {
    return `${file}.${process.pid}.${serial++}.tmp`;
  }
  /** Notes that a file was used just now. @returns false when there is no such file */
  touch(file: string): boolean {
    const now = wallSeconds();
    try {
      utimesSync(file, now, now);
      return true;
    } catch {
      return false;
    }
  }
  /** Notes that a file of so many bytes was added; never throws. Looks at the folder once in a 64th of its limit. */
  added(bytes: number): void {
    this.#unseenBytes += bytes;
    if (this.#unseenBytes < this.limitBytes / 64) return;
    this.#unseenBytes = 0;
    this.#tidy();
  }
  /** Names of the files; none when somebody has removed the folder. */
  #names(): string[] {
    try {
      return readdirSync(this.path);
    } catch {
      return [];
    }
  }
  #tidy(): void {
    const files: { path: string; bytes: number; used: number }[] = [];
    const now = wallSeconds();
    for (const name of this.#names()) {
      const path = join(this.path, name);
      try {
        const { size, mtimeMs } = statSync(path);
        const used = mtimeMs / 1000;
        if (name.endsWith(".tmp") && now - used > abandonedSeconds) rmSync(path, { force: true });
        else files.push({ path, bytes: size, used });
      } catch {
        // Another process has removed it.
      }
    }
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total <= this.limitBytes) return;
    files.sort((a, b) => a.used - b.used);
    for (const { path, bytes } of files) {
      if (total <= this.limitBytes * 0.9) break;
      if (path.endsWith(".tmp")) continue;
      try {
        rmSync(path, { force: true });
        total -= bytes;
      } catch {
        // Where open files cannot be removed they stay.
      }
    }
  }
}
