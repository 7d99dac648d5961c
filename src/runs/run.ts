import { existsSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { unixSeconds } from "../core/clock.ts";
import { ConfigError, InternalError, messageOf, RunError } from "../core/errors.ts";
import { makeFolder, readJsonFile, writeFileAtomic } from "../core/files.ts";
import {
  pruneCheckpoints,
  readCheckpoints,
  recoverCheckpoints,
  removeDamagedAfter,
  writeRunCheckpoint,
} from "./checkpoints.ts";
import { EventFile, type EventValue, type PngPicture, truncateEvents } from "./event-file.ts";
import { JsonLinesLog, numberFromRow, truncateLog } from "./json-lines-log.ts";
import {
  type AnswerRecord,
  type CheckpointEntry,
  eventFilePrefix,
  type RolloutRecord,
  runFiles,
} from "./run-folder.ts";
import { type RunLock, takeRunLock } from "./run-lock.ts";

/** Choices about how a run is written. */
export interface RunOptions {
  /** How many of the newest checkpoints stay on disk; at least 1. Default 3. */
  readonly keepLast?: number;
}

/** A run that this process writes. Close it (or hold it with `using`) to give up its lock. */
export interface Run extends Disposable {
  /** The run's folder. */
  readonly folder: string;
  /** The configuration as it stands in `config.json`. */
  readonly config: unknown;
  /** The checkpoint to go on from, when the run was resumed and has one; else training starts at the beginning. */
  readonly resumedFrom: CheckpointEntry | undefined;
  /**
   * One row of `metrics.jsonl` and one TensorBoard event. Steps never go back. `step` counts finished optimizer
   * steps: a resumed run keeps the rows up to its checkpoint's step and drops the later ones.
   */
  metrics(step: number, values: Readonly<Record<string, number>>): void;
  /** One row of `rollouts.jsonl`. */
  rollout(record: RolloutRecord): void;
  /** One row of `answers.jsonl`. */
  answer(record: AnswerRecord): void;
  /** What the run is computed with, as `environment.json`; a resumed run writes its own over it. */
  environment(facts: Readonly<Record<string, string>>): void;
  /** A text (Markdown) for TensorBoard. */
  text(step: number, tag: string, text: string): void;
  /** A picture for TensorBoard. */
  image(step: number, tag: string, picture: PngPicture): void;
  /**
   * Writes `checkpoints/<step>/`: `write` fills the folder it is given, `state` (JSON) is what the loop needs to go
   * on, `score` (lower is better) how it does on held-out samples. The checkpoint exists as a whole or not at all; older
   * ones beyond `keepLast` are removed afterwards, but not the one with the best score.
   */
  checkpoint(
    step: number,
    write: (folder: string) => Promise<void>,
    state: unknown,
    score?: number,
  ): Promise<CheckpointEntry>;
  /** The newest complete checkpoint. */
  latest(): CheckpointEntry | undefined;
  /** Flushes, closes the files and gives up the lock. */
  close(): void;
}

class OpenRun implements Run {
  readonly folder: string;
  readonly config: unknown;
  readonly resumedFrom: CheckpointEntry | undefined;
  readonly #lock: RunLock;
  readonly #metrics: JsonLinesLog;
  readonly #rollouts: JsonLinesLog;
  readonly #answers: JsonLinesLog;
  readonly #events: EventFile;
  readonly #startSeconds: number;
  readonly #keepLast: number;
  readonly #checkpoints: string;
  #open = true;

  constructor(folder: string, config: unknown, lock: RunLock, keepLast: number, from?: CheckpointEntry) {
    this.folder = folder;
    this.config = config;
    this.resumedFrom = from;
    this.#lock = lock;
    this.#keepLast = keepLast;
    this.#checkpoints = join(folder, runFiles.checkpoints);
    const lastStep = from?.step ?? -1;
    const metricsFile = join(folder, runFiles.metrics);
    const rolloutsFile = join(folder, runFiles.rollouts);
    const lastRow = truncateLog(metricsFile, lastStep);
    truncateLog(rolloutsFile, lastStep);
    const answersFile = join(folder, runFiles.answers);
    truncateLog(answersFile, lastStep);
    const eventNames = readdirSync(folder).filter((name) => name.startsWith(eventFilePrefix));
    for (const name of eventNames) truncateEvents(join(folder, name), lastStep);
    const eventName =
      eventNames.sort().at(-1) ??
      `${eventFilePrefix}${Math.floor(unixSeconds())}.${hostname()}.${process.pid}.0`;
    this.#startSeconds = unixSeconds() - (numberFromRow(lastRow?.["timeSeconds"]) ?? 0);
    this.#metrics = new JsonLinesLog(metricsFile, 0);
    this.#rollouts = new JsonLinesLog(rolloutsFile, 0);
    this.#answers = new JsonLinesLog(answersFile, 0);
    this.#events = new EventFile(join(folder, eventName));
  }
  metrics(step: number, values: Readonly<Record<string, number>>): void {
    if ("step" in values || "timeSeconds" in values)
      throw new InternalError('metrics are not named "step" or "timeSeconds"');
    const timeSeconds = Math.round((unixSeconds() - this.#startSeconds) * 1000) / 1000;
    this.#metrics.append({ step, timeSeconds, ...values });
    const scalars = Object.entries(values).map(([tag, scalar]): EventValue => ({ tag, scalar }));
    this.#events.add(step, scalars);
  }
  rollout(record: RolloutRecord): void {
    this.#rollouts.append(record);
  }
  answer(record: AnswerRecord): void {
    this.#answers.append(record);
  }
  environment(facts: Readonly<Record<string, string>>): void {
    writeFileAtomic(join(this.folder, runFiles.environment), `${JSON.stringify(facts, null, 2)}\n`);
  }
  text(step: number, tag: string, text: string): void {
    this.#events.add(step, [{ tag, text }]);
  }
  image(step: number, tag: string, picture: PngPicture): void {
    this.#events.add(step, [{ tag, image: picture }]);
  }
  async checkpoint(
    step: number,
    write: (folder: string) => Promise<void>,
    state: unknown,
    score?: number,
  ): Promise<CheckpointEntry> {
    // The logs reach the disk first: a checkpoint never claims steps that its logs have lost.
    this.#metrics.sync();
    this.#rollouts.sync();
    this.#answers.sync();
    this.#events.sync();
    const entry = await writeRunCheckpoint(this.#checkpoints, step, write, state, score);
    pruneCheckpoints(this.#checkpoints, this.#keepLast);
    return entry;
  }
  latest(): CheckpointEntry | undefined {
    return readCheckpoints(this.#checkpoints).complete.at(-1);
  }
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#metrics.close();
    this.#rollouts.close();
    this.#answers.close();
    this.#events.close();
    this.#lock.release();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

const checkedKeepLast = (options: RunOptions): number => {
  const keepLast = options.keepLast ?? 3;
  if (!Number.isInteger(keepLast) || keepLast < 1)
    throw new RunError("bad keepLast", { expected: "an integer >= 1", got: String(keepLast) });
  return keepLast;
};

/** JSON text of a configuration that reads back as itself. */
const configText = (config: unknown, folder: string): string => {
  const plain: readonly unknown[] = [Object.prototype, Array.prototype, null];
  const check = (value: unknown, path: string): void => {
    if (value === null || typeof value === "boolean" || typeof value === "string") return;
    if (typeof value === "number" && Number.isFinite(value)) return;
    if (typeof value === "object" && plain.includes(Object.getPrototypeOf(value))) {
      for (const [name, item] of Object.entries(value)) check(item, `${path}.${name}`);
      return;
    }
    throw new RunError("configuration cannot be stored", {
      where: `${folder}, config${path}`,
      expected: "plain JSON, so that the stored file runs again",
      got: typeof value === "object" ? "an object with a class" : String(value),
    });
  };
  check(config, "");
  return `${JSON.stringify(config, null, 2)}\n`;
};

/**
 * Begins a run in a new or empty folder and writes its complete configuration.
 *
 * @param config plain JSON with every default filled in: running it again reproduces the run
 * @throws {RunError} when the folder holds something, is being written, or the configuration is not plain JSON
 */
export const createRun = (folder: string, config: unknown, options: RunOptions = {}): Run => {
  const keepLast = checkedKeepLast(options);
  const text = configText(config, folder);
  try {
    makeFolder(folder);
  } catch (error) {
    throw new RunError("cannot make the run folder", {
      where: folder,
      got: messageOf(error instanceof ConfigError ? error.cause : error),
      hint: "choose a place that can be written",
      cause: error,
    });
  }
  const lock = takeRunLock(folder);
  const ours: readonly string[] = [runFiles.lock, runFiles.owner];
  const there = readdirSync(folder).filter((name) => !ours.includes(name) && !name.endsWith(".tmp"));
  if (there.length > 0) {
    lock.release();
    throw new RunError("run folder is not empty", {
      where: folder,
      got: there.slice(0, 3).join(", "),
      hint: existsSync(join(folder, runFiles.config))
        ? "go on with --resume, or choose another --out"
        : "choose another --out",
    });
  }
  try {
    writeFileAtomic(join(folder, runFiles.config), text);
    return new OpenRun(folder, JSON.parse(text), lock, keepLast);
  } catch (error) {
    lock.release();
    throw error;
  }
};

/**
 * Goes on with a run: cleans up what a killed process left, finds the newest complete checkpoint and cuts metrics,
 * rollouts and events back to its step (to nothing when there is none), so that no step is told twice.
 *
 * @throws {RunError} when there is no run, it is being written, or a file of it cannot be read
 */
export const resumeRun = (folder: string, options: RunOptions = {}): Run => {
  const keepLast = checkedKeepLast(options);
  if (!existsSync(join(folder, runFiles.config)))
    throw new RunError("nothing to resume", {
      where: folder,
      expected: `a run folder with ${runFiles.config}`,
      hint: "leave out --resume to begin a run",
    });
  const lock = takeRunLock(folder);
  try {
    const config = readJsonFile(join(folder, runFiles.config));
    const checkpoints = join(folder, runFiles.checkpoints);
    recoverCheckpoints(checkpoints);
    const latest = readCheckpoints(checkpoints).complete.at(-1);
    removeDamagedAfter(checkpoints, latest?.step ?? -1);
    return new OpenRun(folder, config, lock, keepLast, latest);
  } catch (error) {
    lock.release();
    throw error;
  }
};
