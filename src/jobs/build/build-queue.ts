import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Job, PgBoss } from "pg-boss";
import { ConfigError, messageOf } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { writeQuarantined } from "./local-feed.ts";
import { type BuildOrder, buildFolder, type PlannedClip, resultFile } from "./protocol.ts";
import type { ClipFeed } from "./worker-group.ts";

/** Every queue of ours begins with this; one a build. */
const prefix = "videoperceiver.";
const lostSuffix = ".lost";

/** A worker that gave no sign for so long is taken for dead, and its clip goes to another one. */
const heartbeatSeconds = 20;
const touchSeconds = 5;
/** The longest that a clip may take. */
const longestSeconds = 6 * 3600;
const pollMilliseconds = 300;
const jobsPerInsert = 500;

/** A clip in a queue: what to make and where. */
interface QueuedClip {
  readonly out: string;
  readonly clip: PlannedClip;
  readonly attempts: number;
}

/** What a worker reads in a build's folder: its order, and the queue that holds its clips. */
export interface QueuedOrder {
  readonly queue: string;
  readonly order: BuildOrder;
}

/** File of a build's order: what a worker on another machine has to know. */
export const orderFile = (out: string): string => join(out, buildFolder, "order.json");

/** Queues of builds in a PostgreSQL database. */
export class BuildQueues {
  readonly #boss: PgBoss;
  readonly #warn: (line: string) => void;

  private constructor(boss: PgBoss, warn: (line: string) => void) {
    this.#boss = boss;
    this.#warn = warn;
  }

  /**
   * Connects, and makes the tables where they are missing.
   *
   * @throws {ConfigError} for an address that is none, or a database that does not answer
   */
  static async open(url: string, warn: (line: string) => void): Promise<BuildQueues> {
    if (!/^postgres(ql)?:\/\//.test(url))
      throw new ConfigError("not the address of a queue", {
        expected: "postgres://USER@HOST:PORT/DATABASE",
        got: url,
      });
    const { PgBoss: Boss } = await import("pg-boss");
    const boss = new Boss({
      connectionString: url,
      schema: "videoperceiver",
      schedule: false,
      superviseIntervalSeconds: 5,
      monitorIntervalSeconds: 5,
      monitorVacuum: false,
      connectionTimeoutMillis: 10_000,
    });
    // What goes wrong between calls; calls tell their own errors.
    boss.on("error", (error) => warn(`queue: ${messageOf(error)}`));
    try {
      await boss.start();
    } catch (error) {
      throw new ConfigError("the queue's database does not answer", {
        where: url.replace(/:[^:@/]*@/, ":...@"),
        got: messageOf(error),
        cause: error,
      });
    }
    return new BuildQueues(boss, warn);
  }

  /** Puts clips into a build's queue; those that are in it already stay once. */
  async put(build: string, clips: readonly PlannedClip[], out: string, attempts: number): Promise<void> {
    const [queue, lost] = [prefix + build, prefix + build + lostSuffix];
    await this.#boss.createQueue(lost, { policy: "standard" });
    await this.#boss.createQueue(queue, {
      policy: "exclusive",
      retryLimit: attempts - 1,
      retryDelay: 0,
      expireInSeconds: longestSeconds,
      heartbeatSeconds,
      deadLetter: lost,
    });
    for (let at = 0; at < clips.length; at += jobsPerInsert)
      await this.#boss.insert(
        queue,
        clips.slice(at, at + jobsPerInsert).map((clip) => ({
          data: { out, clip, attempts } satisfies QueuedClip,
          singletonKey: String(clip.position),
        })),
      );
  }

  /** Builds that have a queue. */
  async builds(): Promise<string[]> {
    const queues = await this.#boss.getQueues();
    return queues
      .map(({ name }) => name)
      .filter((name) => name.startsWith(prefix) && !name.endsWith(lostSuffix))
      .map((name) => name.slice(prefix.length))
      .sort();
  }

  /** Where the clips of a build go; undefined: no clip is waiting. */
  async folderOf(build: string): Promise<string | undefined> {
    const [job] = await this.#boss.findJobs<QueuedClip>(prefix + build, { queued: true });
    return job?.data.out;
  }

  /** Writes the results of clips that cost their workers too often. @returns how many */
  async quarantine(build: string): Promise<number> {
    const lost = prefix + build + lostSuffix;
    let count = 0;
    for (const job of await this.#boss.fetch<QueuedClip>(lost, { batchSize: 50 })) {
      const { out, clip, attempts } = job.data;
      if (!existsSync(join(out, resultFile(clip.position)))) {
        writeQuarantined(out, clip, attempts, "its workers ended or gave no sign");
        this.#warn(`${clip.name}: given up after ${attempts} tries`);
        count++;
      }
      await this.#boss.complete(lost, job.id);
    }
    return count;
  }

  /** Forgets earlier builds in a folder: whoever builds there now has taken it for itself. */
  async removeOthers(build: string, out: string): Promise<void> {
    for (const other of await this.builds())
      if (other !== build && (await this.folderOf(other)) === out) await this.remove(other);
  }

  /** Forgets a finished build. */
  async remove(build: string): Promise<void> {
    await this.#boss.deleteQueue(prefix + build);
    await this.#boss.deleteQueue(prefix + build + lostSuffix);
  }

  /**
   * The clips of a build, one at a time, for a group of workers. Stopping lets clips that were begun end: what is taken back
   * from the database counts as a try.
   *
   * @param ends asked whenever no clip is waiting: true ends the feed
   */
  feed(build: string, signal: AbortSignal, ends: () => Promise<boolean>, onDone: ClipFeed["done"]): ClipFeed {
    return new QueueFeed(this.#boss, prefix + build, { signal, ends, onDone, warn: this.#warn });
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false });
  }
}

interface FeedOptions {
  readonly signal: AbortSignal;
  readonly ends: () => Promise<boolean>;
  readonly onDone: ClipFeed["done"];
  readonly warn: (line: string) => void;
}

/** A feed whose claims are kept alive in the database while they are worked on. */
class QueueFeed implements ClipFeed {
  readonly #boss: PgBoss;
  readonly #queue: string;
  readonly #options: FeedOptions;
  readonly #held = new Map<number, { readonly id: string; readonly beat: NodeJS.Timeout }>();

  constructor(boss: PgBoss, queue: string, options: FeedOptions) {
    this.#boss = boss;
    this.#queue = queue;
    this.#options = options;
  }

  async next(): Promise<PlannedClip | undefined> {
    while (!this.#options.signal.aborted) {
      const job = await this.#claim();
      if (job === undefined) {
        if (await this.#hasEnded()) return undefined;
        await wait(pollMilliseconds);
        continue;
      }
      const { out, clip } = job.data;
      if (existsSync(join(out, resultFile(clip.position)))) {
        await this.#tell("complete", job.id);
        continue;
      }
      const beat = setInterval(() => {
        this.#boss.touch(this.#queue, job.id).catch(() => {});
      }, touchSeconds * 1000);
      this.#held.set(clip.position, { id: job.id, beat });
      return clip;
    }
    return undefined;
  }

  async done(position: number, report: Parameters<ClipFeed["done"]>[1]): Promise<void> {
    await this.#release(position, "complete");
    await this.#options.onDone(position, report);
  }

  async lost(position: number, why: string): Promise<void> {
    this.#options.warn(`clip ${position}: ${why.split("\n")[0]}`);
    await this.#release(position, "fail");
  }

  async #hasEnded(): Promise<boolean> {
    try {
      return await this.#options.ends();
    } catch (error) {
      this.#options.warn(`queue: ${messageOf(error)}`);
      return false;
    }
  }

  async #claim(): Promise<Job<QueuedClip> | undefined> {
    try {
      const [job] = await this.#boss.fetch<QueuedClip>(this.#queue, { batchSize: 1 });
      return job;
    } catch (error) {
      // The database may be on its way back.
      this.#options.warn(`queue: ${messageOf(error)}`);
      await wait(1000);
      return undefined;
    }
  }

  async #release(position: number, how: "complete" | "fail"): Promise<void> {
    const held = this.#held.get(position);
    if (held === undefined) return;
    clearInterval(held.beat);
    this.#held.delete(position);
    await this.#tell(how, held.id);
  }

  /** Tells the database what became of a claim; when it does not hear it, the claim runs out and the result is found. */
  async #tell(how: "complete" | "fail", id: string): Promise<void> {
    const until = nowMilliseconds() + 10_000;
    for (;;)
      try {
        await this.#boss[how](this.#queue, id);
        return;
      } catch (error) {
        if (nowMilliseconds() > until) {
          this.#options.warn(`queue: ${messageOf(error)}`);
          return;
        }
        await wait(1000);
      }
  }
}
