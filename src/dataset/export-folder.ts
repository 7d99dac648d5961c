import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { type ExclusiveLock, takeExclusiveLock } from "../core/exclusive-lock.ts";
import { makeFolder } from "../core/files.ts";
import { mediaFolder } from "./export-media.ts";

/** What says that a folder is an export of ours. */
export const exportRecord = "export.json";
const lockFile = ".lock";

/** A folder that is written beside its place and moved there when it is whole. */
export interface ExportFolder {
  /** Where files are written now; holds the films of an earlier attempt. */
  readonly folder: string;
  readonly finalFolder: string;
  /** Moves everything to its place, at once. */
  finish(): void;
  /** Lets another process go on with what is there. */
  release(): void;
}

/**
 * Takes away what an earlier attempt left, whatever its format was; whole films stay, as their names say their content.
 */
const clearAttempt = (folder: string): void => {
  for (const name of readdirSync(folder))
    if (!name.startsWith(lockFile) && name !== mediaFolder)
      rmSync(join(folder, name), { recursive: true, force: true });
  const films = join(folder, mediaFolder);
  if (!existsSync(films)) return;
  for (const entry of readdirSync(films, { withFileTypes: true }))
    if (!entry.isFile() || entry.name.endsWith(".tmp"))
      rmSync(join(films, entry.name), { recursive: true, force: true });
};

/**
 * Opens the place of an export.
 *
 * @param force replace an export that is there; never anything else
 * @throws {ConfigError} when something is there already, or another process writes it
 */
export const openExportFolder = (out: string, force: boolean): ExportFolder => {
  const finalFolder = resolve(out);
  if (existsSync(finalFolder) && readdirSync(finalFolder).length > 0) {
    const ours = existsSync(join(finalFolder, exportRecord));
    if (!ours || !force)
      throw new ConfigError("something is there already", {
        where: out,
        expected: "a new folder",
        got: ours ? "an export" : "files that are no export",
        hint: ours ? "choose another folder, or replace it with --force" : "choose another folder",
      });
  }
  const folder = join(dirname(finalFolder), `.${basename(finalFolder)}.partial`);
  makeFolder(folder);
  let lock: ExclusiveLock;
  try {
    lock = takeExclusiveLock(join(folder, lockFile));
  } catch (error) {
    throw new ConfigError("another process writes this export", {
      where: out,
      hint: "wait until it ends, or choose another folder",
      cause: error,
    });
  }
  clearAttempt(folder);
  return {
    folder,
    finalFolder,
    finish: () => {
      lock.release();
      for (const name of readdirSync(folder))
        if (name.startsWith(lockFile) || name.endsWith(".tmp")) rmSync(join(folder, name), { force: true });
      const old = `${folder}.old`;
      rmSync(old, { recursive: true, force: true });
      if (existsSync(finalFolder)) renameSync(finalFolder, old);
      renameSync(folder, finalFolder);
      rmSync(old, { recursive: true, force: true });
    },
    release: () => lock.release(),
  };
};
