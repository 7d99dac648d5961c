import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RunError } from "../core/errors.ts";
import { runFiles } from "./run-folder.ts";

/** The right to write one run folder. */
export interface RunLock {
  /** Gives the right back. */
  release(): void;
}

const ownerOf = (folder: string): string => {
  try {
    return readFileSync(join(folder, runFiles.owner), "utf8").trim();
  } catch {
    return "another process";
  }
};

/**
 * Takes the lock of a run folder. The lock is an exclusive transaction on an empty SQLite file: the operating system
 * drops it when the process ends in whatever way, so a killed run leaves nothing to clean up and two processes can
 * never both take over.
 *
 * @throws {RunError} naming the process that holds it
 */
export const takeRunLock = (folder: string): RunLock => {
  const database = new DatabaseSync(join(folder, runFiles.lock), { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw new RunError("run folder is being written", {
      where: folder,
      got: `a lock held by ${ownerOf(folder)}`,
      hint: "wait until it ends, stop it, or choose another folder",
      cause: error,
    });
  }
  writeFileSync(join(folder, runFiles.owner), `process ${process.pid} on ${hostname()}\n`);
  return { release: () => database.close() };
};
