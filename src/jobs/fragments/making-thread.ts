/** Threads that make fragments, so that as many cores compare and render pictures as decode them. */
import { Worker } from "node:worker_threads";
import { InternalError, messageOf } from "../../core/errors.ts";
import { splitName } from "../../core/named-params.ts";
import { knowingOwnPlugins } from "../../core/registry.ts";
import { errorFromWire } from "../../engine/worker-protocol.ts";
import { fragmentTasks } from "../../fragments/fragment-task.ts";
import { frameSelectors } from "../../selection/selectors.ts";
import type { PlannedClip } from "../build/protocol.ts";
import type { FragmentMaker } from "./maker.ts";
import type { FromMaker, MakingOrder, ToMaker } from "./making-protocol.ts";
import type { FragmentClip, FragmentOrder } from "./protocol.ts";
import type { FragmentMeans } from "./tools.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

interface Waiting {
  readonly resolve: (made: FragmentClip) => void;
  readonly reject: (error: unknown) => void;
}

/** One thread and the clips that it has, by position. */
class MakingThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  /** Why it makes nothing any more. */
  #lost: Error | undefined;

  constructor(order: MakingOrder, warn: (line: string) => void) {
    this.#worker = new Worker(new URL(`./making-worker.${extension}`, import.meta.url), {
      workerData: order,
      execArgv: ["--disable-warning=ExperimentalWarning", ...knowingOwnPlugins()],
    });
    this.#worker.on("message", (message: FromMaker) => {
      if (message.kind === "warning") warn(message.line);
      else if (message.kind === "done") this.#waiting.get(message.made.position)?.resolve(message.made);
      else this.#waiting.get(message.position)?.reject(errorFromWire(message.error));
    });
    this.#worker.on("error", (error) => this.#lose(messageOf(error)));
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#lose(`it ended with ${code}`);
        resolve();
      });
    });
  }

  get busy(): number {
    return this.#waiting.size;
  }

  async make(planned: PlannedClip, signal: AbortSignal): Promise<FragmentClip> {
    signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    const stop = (): void => this.#send({ kind: "stop" });
    signal.addEventListener("abort", stop);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(planned.position, { resolve, reject });
        this.#send({ kind: "make", planned });
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#waiting.delete(planned.position);
    }
  }

  async close(): Promise<void> {
    this.#send({ kind: "close" });
    await this.#ended;
  }

  #send(message: ToMaker): void {
    this.#worker.postMessage(message);
  }

  #lose(why: string): void {
    this.#lost ??= new InternalError(`a thread that makes fragments is lost: ${why}`);
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
  }
}

/**
 * So many threads, started when there is work for them. Each makes one clip more than it has decoders, which have work while
 * another clip's pictures are made.
 *
 * @throws {ConfigError} for a task or selector that only this thread knows
 */
export const openMakingThreads = (
  order: FragmentOrder,
  means: FragmentMeans,
  count: number,
  warn: (line: string) => void,
): FragmentMaker => {
  for (const text of order.settings.tasks) fragmentTasks.elsewhere(splitName(text).name);
  frameSelectors.elsewhere(splitName(order.settings.selector).name);
  const threads: MakingThread[] = [];
  const leastBusy = (): MakingThread => {
    const least = threads.toSorted((a, b) => a.busy - b.busy)[0];
    if (least !== undefined && (least.busy === 0 || threads.length === count)) return least;
    const another = new MakingThread({ order, means }, warn);
    threads.push(another);
    return another;
  };
  return {
    atATime: count * (means.decoders + 1),
    make: async (planned, signal) => leastBusy().make(planned, signal),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
};
