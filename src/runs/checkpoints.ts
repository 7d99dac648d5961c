import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { z } from "zod";
import { messageOf, RunError } from "../core/errors.ts";
import { makeFolder, readJsonFile, writeFileAtomic } from "../core/files.ts";
import { type CheckpointEntry, checkpointRecordFile } from "./run-folder.ts";

const record = z.object({
  schema: z.literal("videoperceiver/checkpoint@1"),
  step: z.int().min(0),
  files: z.array(z.object({ file: z.string(), bytes: z.int().min(0) })),
  state: z.unknown(),
  score: z.number().exactOptional(),
});

/** A folder under `checkpoints/` that is no complete checkpoint, and why. */
export interface DamagedCheckpoint {
  readonly folder: string;
  readonly reason: string;
}

/** The checkpoints of a run, by rising step. */
export interface CheckpointIndex {
  readonly complete: readonly CheckpointEntry[];
  readonly damaged: readonly DamagedCheckpoint[];
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

const syncPath = (path: string): void => {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
};

const stepFolder = /^\d+$/;
const unfinished = (name: string): boolean => name.endsWith(".writing") || name.endsWith(".removing");
const replaced = (name: string): boolean => name.endsWith(".replaced");

const readCheckpoint = (folder: string, step: number): CheckpointEntry | DamagedCheckpoint => {
  try {
    const parsed = record.safeParse(readJsonFile(join(folder, checkpointRecordFile)));
    if (!parsed.success) return { folder, reason: `${checkpointRecordFile} is not a checkpoint record` };
    if (parsed.data.step !== step) return { folder, reason: `it says step ${parsed.data.step}` };
    for (const { file, bytes } of parsed.data.files) {
      const there = statSync(join(folder, file), { throwIfNoEntry: false })?.size;
      if (there !== bytes) return { folder, reason: `${file} has ${there ?? "no"} bytes, not ${bytes}` };
    }
    const { state, score } = parsed.data;
    return { step, folder, state, ...(score !== undefined && { score }) };
  } catch (error) {
    return { folder, reason: messageOf(error) };
  }
};

/** Lists the checkpoints of `checkpoints/`; only reads. A folder that is still being written is left out. */
export const readCheckpoints = (parent: string): CheckpointIndex => {
  const complete: CheckpointEntry[] = [];
  const damaged: DamagedCheckpoint[] = [];
  if (!existsSync(parent)) return { complete, damaged };
  for (const name of readdirSync(parent)) {
    if (!stepFolder.test(name)) continue;
    const found = readCheckpoint(join(parent, name), Number(name));
    if ("reason" in found) damaged.push(found);
    else complete.push(found);
  }
  return { complete: complete.sort((a, b) => a.step - b.step), damaged };
};

/** Removes what a killed writer left: half-written folders go, a folder moved aside for a replacement comes back. */
export const recoverCheckpoints = (parent: string): void => {
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    if (unfinished(name)) rmSync(path, { recursive: true, force: true });
    if (!replaced(name)) continue;
    const original = path.slice(0, -".replaced".length);
    if (existsSync(original)) rmSync(path, { recursive: true, force: true });
    else renameSync(path, original);
  }
};

const jsonText = (state: unknown, folder: string): string => {
  try {
    return JSON.stringify(state ?? null);
  } catch (error) {
    throw new RunError("checkpoint state is not JSON", {
      where: folder,
      got: messageOf(error),
      cause: error,
    });
  }
};

/**
 * Writes one checkpoint: `write` fills a temporary folder, everything is flushed to the disk, and one rename makes it
 * the checkpoint of this step (an earlier one of the same step is replaced). A crash at any moment leaves either the
 * whole checkpoint or none.
 *
 * @throws {RunError} when `state` is not JSON; whatever `write` throws, after the temporary folder is removed
 */
export const writeRunCheckpoint = async (
  parent: string,
  step: number,
  write: (folder: string) => Promise<void>,
  state: unknown,
  score?: number,
): Promise<CheckpointEntry> => {
  const folder = join(parent, String(step));
  const temporary = `${folder}.writing`;
  const stateText = jsonText(state, folder);
  rmSync(temporary, { recursive: true, force: true });
  makeFolder(temporary);
  try {
    await write(temporary);
    const files = filesOf(temporary).map((path) => ({
      file: relative(temporary, path).split(sep).join("/"),
      bytes: statSync(path).size,
    }));
    const own = score === undefined ? {} : { score };
    const head = JSON.stringify({ schema: "videoperceiver/checkpoint@1", step, files, ...own }).slice(0, -1);
    for (const { file } of files) syncPath(join(temporary, file));
    writeFileAtomic(join(temporary, checkpointRecordFile), `${head},"state":${stateText}}`);
    syncPath(temporary);
    const aside = `${folder}.replaced`;
    if (existsSync(folder)) renameSync(folder, aside);
    renameSync(temporary, folder);
    syncPath(parent);
    rmSync(aside, { recursive: true, force: true });
    return { step, folder, state: JSON.parse(stateText), ...own };
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
};

/** Removes a checkpoint; it stops being one before its first file goes. */
const removeCheckpoint = (folder: string): void => {
  const doomed = `${folder}.removing`;
  rmSync(doomed, { recursive: true, force: true });
  renameSync(folder, doomed);
  rmSync(doomed, { recursive: true, force: true });
};

/** The checkpoint with the best score, of equal ones the earliest; undefined: none has one. */
export const bestCheckpoint = (complete: readonly CheckpointEntry[]): CheckpointEntry | undefined =>
  complete.reduce<CheckpointEntry | undefined>(
    (best, one) =>
      one.score !== undefined && one.score < (best?.score ?? Number.POSITIVE_INFINITY) ? one : best,
    undefined,
  );

/** Removes all complete checkpoints but the newest `keepLast` and the best. */
export const pruneCheckpoints = (parent: string, keepLast: number): void => {
  const { complete } = readCheckpoints(parent);
  const best = bestCheckpoint(complete);
  for (const entry of complete.slice(0, Math.max(0, complete.length - keepLast)))
    if (entry !== best) removeCheckpoint(entry.folder);
};

/** Removes every damaged checkpoint later than `step`: those steps will be written again. */
export const removeDamagedAfter = (parent: string, step: number): void => {
  for (const { folder } of readCheckpoints(parent).damaged)
    if (Number(basename(folder)) > step) removeCheckpoint(folder);
};
