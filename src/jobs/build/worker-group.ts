import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { StartError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import type { BuildOrder, FromBuildWorker, PlannedClip, ToBuildWorker } from "./protocol.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const program = fileURLToPath(new URL(`./worker-process.${extension}`, import.meta.url));

/** A worker that gave no sign for so long hangs. */
const silentSeconds = 120;

/**
 * Megabytes of heap before the first full collection. Pictures that come and go make V8 collect about once a clip otherwise,
 * and each time it walks the whole program: a quarter of all processor time of a build.
 */
const heapMegabytes = 256;

/** Where a group's clips come from, and who hears what became of them. */
export interface ClipFeed {
  /** The next clip; undefined: there is none any more. Waits where one may still come. */
  next(): Promise<PlannedClip | undefined>;
  /** The clip's result is written. */
  done(position: number, report: Extract<FromBuildWorker, { type: "done" }>): Promise<void>;
  /** The clip cost its worker, or threw what is nobody's fault but ours. */
  lost(position: number, why: string): Promise<void>;
}

/** A group of worker processes. */
export interface GroupRequest {
  readonly order: BuildOrder;
  readonly workers: number;
  readonly feed: ClipFeed;
  readonly signal: AbortSignal;
}

/** What is thrown when the person stops the work. */
export const stoppedByPerson = (): Error => {
  const error = new Error("stopped; the same command goes on where it was");
  error.name = "AbortError";
  return error;
};

/** One process and the clip that it has. */
class BuildWorker {
  readonly #child: ChildProcess;
  #answer: ((message: FromBuildWorker) => void) | undefined;
  #sign = nowMilliseconds();
  readonly ended: Promise<string>;

  constructor() {
    this.#child = fork(program, [], {
      execArgv: ["--disable-warning=ExperimentalWarning", `--initial-old-space-size=${heapMegabytes}`],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...process.env, NODE_OPTIONS: "" },
      // Ctrl-C reaches every process of the terminal's group, one that is still starting as well; this program decides
      // when a worker ends. One whose program is gone loses its channel and ends by itself.
      detached: true,
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
      this.#child.once("error", (error) => resolve(error.message));
    });
    this.#child.on("message", (message: FromBuildWorker) => {
      this.#sign = nowMilliseconds();
      if (message.type !== "alive") this.#answer?.(message);
    });
  }

  /** Sends a message and waits for what it leads to, or for the end of the process (a text that says how). */
  async ask(message: ToBuildWorker): Promise<FromBuildWorker | string> {
    const answer = new Promise<FromBuildWorker>((resolve) => {
      this.#answer = resolve;
    });
    this.#sign = nowMilliseconds();
    this.#child.send(message, () => {});
    const watch = setInterval(() => {
      if (nowMilliseconds() - this.#sign > silentSeconds * 1000) this.kill();
    }, 5000);
    try {
      return await Promise.race([answer, this.ended]);
    } finally {
      clearInterval(watch);
      this.#answer = undefined;
    }
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Lets the process end by itself. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.ended;
  }
}

/** The processes of a group that are there. */
interface Running {
  readonly workers: Set<BuildWorker>;
  /** The group ends: what its processes still say counts no more, and none is started. */
  isOver: boolean;
}

const startWorker = async ({ order, signal }: GroupRequest, { workers }: Running): Promise<BuildWorker> => {
  const worker = new BuildWorker();
  workers.add(worker);
  const answer = await worker.ask({ type: "begin", order });
  if (signal.aborted) throw stoppedByPerson();
  if (typeof answer === "string") throw new StartError(`a worker cannot start: ${answer}`);
  if (answer.type === "failed") throw new StartError(`a worker cannot start: ${answer.message}`);
  return worker;
};

/** One after the other, the feed's clips go to a worker; a new one takes the place of one that ended. */
const work = async (request: GroupRequest, running: Running): Promise<void> => {
  const { feed, signal } = request;
  let worker: BuildWorker | undefined;
  for (;;) {
    if (signal.aborted) throw stoppedByPerson();
    const clip = await feed.next();
    if (clip === undefined) break;
    if (running.isOver) return;
    worker ??= await startWorker(request, running);
    const answer = await worker.ask({ type: "clip", clip });
    if (signal.aborted) throw stoppedByPerson();
    if (running.isOver) return;
    if (typeof answer === "string") {
      running.workers.delete(worker);
      worker = undefined;
      await feed.lost(clip.position, `the worker ended (${answer})`);
    } else if (answer.type === "done") await feed.done(clip.position, answer);
    else if (answer.type !== "failed") continue;
    else if (answer.position === null) throw new StartError(answer.message);
    else await feed.lost(clip.position, answer.message);
  }
  await worker?.close();
};

/**
 * Has every clip of a feed made by worker processes.
 *
 * @throws {StartError} when workers cannot start
 */
export const runWorkers = async (request: GroupRequest): Promise<void> => {
  const { signal } = request;
  const running: Running = { workers: new Set(), isOver: false };
  const endAll = (): void => {
    running.isOver = true;
    for (const worker of running.workers) worker.kill();
  };
  signal.addEventListener("abort", endAll);
  try {
    const all = Array.from({ length: request.workers }, () => work(request, running));
    await Promise.all(all);
  } finally {
    signal.removeEventListener("abort", endAll);
    endAll();
    // Nobody may still write into the folder when the caller goes on.
    await Promise.all([...running.workers].map(({ ended }) => ended));
  }
};
