import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { InternalError, messageOf, StartError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import type { JobContext } from "../job-context.ts";
import { BuildQueues, orderFile, type QueuedOrder } from "./build-queue.ts";
import { runWorkers } from "./worker-group.ts";

/** What a worker of a queue does. */
export interface BuildWorkerRequest {
  readonly queue: string;
  /** Worker processes; one a core when left out. */
  readonly workers?: number;
  /** Ends after so long without work; never when left out. */
  readonly idleSeconds?: number;
}

/** What it did. */
export interface BuildWorkerResult {
  readonly clips: number;
  readonly rows: number;
  readonly rejected: number;
}

const pollMilliseconds = 1000;
/** Stopping ends the feed, and clips that were begun are finished. */
const never = new AbortController().signal;

/** True when `AbortSignal` cut a wait short. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  wait(milliseconds, undefined, { signal }).catch(() => {});

/**
 * Makes clips for the builds of a queue, whichever they are, until it is stopped or has nothing to do for long enough. The
 * builds' folders and clips must be there under the same paths.
 *
 * @throws {ConfigError} when the queue's database does not answer
 */
export const workForQueue = async (
  request: BuildWorkerRequest,
  context: JobContext,
): Promise<BuildWorkerResult> => {
  const { signal } = context;
  const queues = await BuildQueues.open(request.queue, context.warn);
  const workers = request.workers ?? availableParallelism();
  const progress = context.progress("worker", "clips");
  const told = new Set<string>();
  let [clips, rows, rejected] = [0, 0, 0];
  let lastWork = nowMilliseconds();
  const idle = (): boolean =>
    request.idleSeconds !== undefined && nowMilliseconds() - lastWork > request.idleSeconds * 1000;
  const workFor = async (build: string): Promise<void> => {
    const out = await queues.folderOf(build);
    if (out === undefined) return;
    const skip = (why: string): void => {
      if (!told.has(build)) context.warn(`${out} ${why}`);
      told.add(build);
    };
    if (!existsSync(orderFile(out))) return skip("is not here; its clips are left to other workers");
    const { queue, order } = readJsonFile(orderFile(out)) as QueuedOrder;
    // Clips of an earlier build in the same folder would get into the one that is there now.
    if (queue !== build) return skip("holds another build by now; the clips of the earlier one are left");
    const feed = queues.feed(
      build,
      signal,
      async () => (await queues.folderOf(build)) === undefined,
      async (_, report) => {
        lastWork = nowMilliseconds();
        rows += report.rows;
        rejected += report.rejected;
        progress.update(++clips, 0, rejected > 0 ? `${rejected} rows rejected` : undefined);
      },
    );
    await runWorkers({ order, workers, feed, signal: never });
    lastWork = nowMilliseconds();
  };
  try {
    while (!signal.aborted && !idle()) {
      try {
        for (const build of await queues.builds()) await workFor(build);
      } catch (error) {
        // The database may be on its way back; faults of our own are told as such.
        if (error instanceof InternalError || error instanceof StartError) throw error;
        context.warn(`queue: ${messageOf(error)}`);
      }
      await pause(pollMilliseconds, signal);
    }
  } finally {
    await queues.close();
  }
  return { clips, rows, rejected };
};
