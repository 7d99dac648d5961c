import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { RunError } from "../core/errors.ts";
import { type ExclusiveLock, takeExclusiveLock } from "../core/exclusive-lock.ts";
import { runFiles } from "./run-folder.ts";

/** The right to write one run folder. */
export type RunLock = ExclusiveLock;

const ownerOf = (folder: string): string => {
  try {
    return readFileSync(join(folder, runFiles.owner), "utf8").trim();
  } catch {
    return "another process";
  }
};

/**
 * Takes the lock of a run folder, which goes when the process goes.
 *
 * @throws {RunError} naming the process that holds it
 */
export const takeRunLock = (folder: string): RunLock => {
  let lock: RunLock;
  try {
    lock = takeExclusiveLock(join(folder, runFiles.lock));
  } catch (error) {
    throw new RunError("run folder is being written", {
      where: folder,
      got: `a lock held by ${ownerOf(folder)}`,
      hint: "wait until it ends, stop it, or choose another folder",
      cause: error,
    });
  }
  writeFileSync(join(folder, runFiles.owner), `process ${process.pid} on ${hostname()}\n`);
  return lock;
};
