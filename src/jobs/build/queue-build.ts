import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { EndpointSpending } from "../../core/endpoint-cost.ts";
import { messageOf } from "../../core/errors.ts";
import { sha256, writeFileAtomic } from "../../core/files.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { BuildQueues, orderFile, type QueuedOrder } from "./build-queue.ts";
import { addCost, clipCost, noCost, readResult } from "./clip-cost.ts";
import { type BuildOrder, type PlannedClip, resultFile } from "./protocol.ts";
import type { WorkRecipe } from "./work-folder.ts";
import { runWorkers, stoppedByPerson } from "./worker-group.ts";

/** Clips that several machines make together. */
export interface QueueBuild {
  /** `postgres://...` */
  readonly url: string;
  readonly order: BuildOrder;
  /** What is built; part of the queue's name, so that two builds never share clips. */
  readonly recipe: WorkRecipe;
  /** Clips that have no result yet. */
  readonly missing: readonly PlannedClip[];
  /** Worker processes on this machine; 0: others do all of it. */
  readonly workers: number;
  readonly attempts: number;
  readonly signal: AbortSignal;
  readonly warn: (line: string) => void;
  /** Hears how many of the missing clips are made, and what endpoints cost for them. */
  readonly onProgress: (made: number, cost: EndpointSpending) => void;
}

const pollMilliseconds = 1000;
/** So often what is missing is put into the queue again, in case the database lost it. */
const repeatMilliseconds = 60_000;
const never = new AbortController().signal;

/** The name of a build's queue: the same one when it is continued, another one for other clips, rows or settings. */
export const queueName = (out: string, recipe: WorkRecipe): string =>
  sha256(JSON.stringify([out, recipe])).slice(0, 24);

/** Which clips have no result yet; folders are read, not every file asked for. */
class Outstanding {
  readonly #out: string;
  readonly #names: Map<string, Map<string, PlannedClip>> = new Map();
  constructor(out: string, clips: readonly PlannedClip[]) {
    this.#out = out;
    for (const clip of clips) {
      const file = resultFile(clip.position);
      const folder = this.#names.get(dirname(file)) ?? new Map<string, PlannedClip>();
      this.#names.set(dirname(file), folder.set(file.slice(dirname(file).length + 1), clip));
    }
  }
  /** Looks again. @returns clips that have got their results since */
  look(): PlannedClip[] {
    const found: PlannedClip[] = [];
    for (const [folder, names] of this.#names) {
      let present: string[] = [];
      try {
        present = readdirSync(join(this.#out, folder));
      } catch {
        // Nobody has begun this folder.
      }
      for (const name of present) {
        const clip = names.get(name);
        if (clip !== undefined) found.push(clip);
        names.delete(name);
      }
      if (names.size === 0) this.#names.delete(folder);
    }
    return found;
  }
  clips(): PlannedClip[] {
    return [...this.#names.values()].flatMap((names) => [...names.values()]);
  }
  get size(): number {
    return [...this.#names.values()].reduce((sum, names) => sum + names.size, 0);
  }
}

/**
 * Has clips made by every worker that looks at a queue, this machine's among them, and waits for the results in the shared
 * folder. A result is a file that appears whole, so a clip that is made twice changes nothing.
 *
 * @throws {ConfigError} when the queue's database does not answer
 */
export const buildByQueue = async (build: QueueBuild): Promise<void> => {
  const { order, missing, signal, warn } = build;
  const { out } = order;
  const name = queueName(out, build.recipe);
  const queues = await BuildQueues.open(build.url, warn);
  const outstanding = new Outstanding(out, missing);
  let put = nowMilliseconds();
  let over = false;
  let cost = noCost;
  // Whoever made a clip, its result says what was paid for it.
  const isPaid = order.teacher !== undefined || order.settings.extractor !== "offline";
  const watch = async (): Promise<void> => {
    while (!signal.aborted && !over) {
      for (const { position } of outstanding.look())
        if (isPaid) cost = addCost(cost, clipCost(readResult(out, position)));
      build.onProgress(missing.length - outstanding.size, cost);
      if (outstanding.size === 0) return;
      try {
        await queues.quarantine(name);
        if (nowMilliseconds() - put > repeatMilliseconds) {
          await queues.put(name, outstanding.clips(), out, build.attempts);
          put = nowMilliseconds();
        }
      } catch (error) {
        warn(`queue: ${messageOf(error)}`);
      }
      await wait(pollMilliseconds);
    }
  };
  try {
    writeFileAtomic(orderFile(out), JSON.stringify({ queue: name, order } satisfies QueuedOrder));
    await queues.removeOthers(name, out);
    await queues.put(name, missing, out, build.attempts);
    const feed = queues.feed(
      name,
      signal,
      async () => outstanding.size === 0,
      async () => {},
    );
    const own =
      build.workers === 0 ? undefined : runWorkers({ order, workers: build.workers, feed, signal: never });
    // A fault of the own workers must not leave the watch behind.
    own?.catch(() => {
      over = true;
    });
    await Promise.all([watch(), own]);
    if (signal.aborted) throw stoppedByPerson();
    // What is left of a finished build in the database does no harm: its clips have results.
    await queues.remove(name).catch((error: unknown) => warn(`queue: ${messageOf(error)}`));
  } finally {
    await queues.close();
  }
};
