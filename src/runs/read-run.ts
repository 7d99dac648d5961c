import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataFormatError, RunError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import { type CheckpointIndex, readCheckpoints } from "./checkpoints.ts";
import { numberFromRow, readLog } from "./json-lines-log.ts";
import { type AnswerRecord, type MetricsRow, type RolloutRecord, runFiles } from "./run-folder.ts";

/** A run as it stands on disk; may be read while another process writes it. */
export interface StoredRun {
  readonly folder: string;
  readonly config: unknown;
  readonly metrics: readonly MetricsRow[];
  readonly checkpoints: CheckpointIndex;
  /** Bytes of a last metrics line that was not finished; no row is made of them. */
  readonly tornBytes: number;
}

/**
 * Reads a run folder without touching it.
 *
 * @throws {RunError} when it is none
 * @throws {DataFormatError} naming file and line when a finished row is malformed
 */
export const readRun = (folder: string): StoredRun => {
  if (!existsSync(join(folder, runFiles.config)))
    throw new RunError("not a run folder", { where: folder, expected: `a folder with ${runFiles.config}` });
  const file = join(folder, runFiles.metrics);
  const { rows, tornBytes } = readLog(file);
  const metrics = rows.map((row, at): MetricsRow => {
    const values: [string, number][] = Object.entries(row).map(([name, value]) => {
      const number = numberFromRow(value);
      if (number === undefined)
        throw new DataFormatError("a metric that is no number", {
          where: `${file}:${at + 1}, "${name}"`,
          got: JSON.stringify(value),
        });
      return [name, number];
    });
    return { timeSeconds: Number.NaN, ...Object.fromEntries(values), step: row.step };
  });
  const config = readJsonFile(join(folder, runFiles.config));
  return {
    folder,
    config,
    metrics,
    checkpoints: readCheckpoints(join(folder, runFiles.checkpoints)),
    tornBytes,
  };
};

/** The rollouts of a run in their order; an unfinished last line is left out. @throws {DataFormatError} as {@link readRun} */
export const readRollouts = (folder: string): readonly RolloutRecord[] =>
  readLog(join(folder, runFiles.rollouts)).rows as unknown as readonly RolloutRecord[];

/** What a run answered about held-out clips, in order. @throws {DataFormatError} as {@link readRun} */
export const readAnswers = (folder: string): readonly AnswerRecord[] =>
  readLog(join(folder, runFiles.answers)).rows as unknown as readonly AnswerRecord[];
