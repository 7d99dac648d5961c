import { VideoError } from "../../core/errors.ts";
import { MemoryPool } from "../../core/memory-pool.ts";
import type { VideoLimits } from "../limits.ts";
import { chunkWindow } from "../protocol.ts";
import { type ChosenDecoder, WorkerProcess } from "./worker-process.ts";

/** Jobs after which a worker is replaced: whatever a native library leaks goes with it. */
const jobsPerWorker = 500;

/** How often a job is passed over by one whose clip a free worker has just read. */
const mostPassed = 4;

/** A job that waits for a worker. */
interface Waiting {
  /** The clip that it reads; undefined: none. */
  readonly file: string | undefined;
  readonly resolve: (worker: WorkerProcess) => void;
  readonly reject: (error: Error) => void;
  passed: number;
}

/** How long a job may wait for its reader or feeder before another worker may start in its place. */
const patienceMilliseconds = 100;

/**
 * Workers of one decoder, started when needed; hands each to one job at a time, in the order of asking, but for a clip that
 * a free worker has just read: it knows the packets, another one would read them again.
 */
export class WorkerPool {
  /** For chunks that are lent to their readers: one at each, the next ones under way. */
  readonly chunks: MemoryPool;
  #decoder: ChosenDecoder;
  #size: number;
  #limits: VideoLimits;
  #all = new Set<WorkerProcess>();
  #idle: WorkerProcess[] = [];
  #waiting: Waiting[] = [];
  #closed = false;
  #onExit = (): void => {
    for (const worker of this.#all) worker.kill();
  };
  constructor(decoder: ChosenDecoder, size: number, limits: VideoLimits) {
    this.#decoder = decoder;
    this.#size = size;
    this.#limits = limits;
    this.chunks = new MemoryPool((chunkWindow + 1) * size);
    process.on("exit", this.#onExit);
  }
  /** True when nobody else works or waits, so that one job may use every core. */
  get quiet(): boolean {
    return this.#waiting.length === 0 && this.#all.size - this.#idle.length <= 1;
  }
  /**
   * A worker that is ready.
   *
   * @param file the clip that the job reads
   * @throws {UnsupportedError} when the decoder cannot be loaded
   */
  async acquire(file?: string): Promise<WorkerProcess> {
    if (this.#closed) throw new VideoError("the video service is closed");
    const worker = await new Promise<WorkerProcess>((resolve, reject) => {
      this.#waiting.push({ file, resolve, reject, passed: 0 });
      this.#serve();
    });
    try {
      await worker.ready;
    } catch (error) {
      this.#drop(worker);
      throw error;
    }
    return worker;
  }
  /** Gives a worker back after its job, dead or alive. */
  giveBack(worker: WorkerProcess): void {
    worker.release();
    this.setWaitingOutside(worker, false);
    if (!worker.alive || this.#closed || worker.jobs >= jobsPerWorker || this.#all.size > this.#size)
      this.#drop(worker);
    else this.#idle.push(worker);
    this.#serve();
  }
  /** A job started or stopped waiting for the outside: others may need a worker to get it going again. */
  setWaitingOutside(worker: WorkerProcess, waiting: boolean): void {
    if (worker.waitingOutside === waiting) return;
    worker.waitingOutside = waiting;
    clearTimeout(worker.waitingTimer);
    worker.stuckOutside = false;
    if (!waiting) return;
    worker.waitingTimer = setTimeout(() => {
      worker.stuckOutside = true;
      this.#serve();
    }, patienceMilliseconds).unref();
  }
  /** Ends every worker. */
  close(): void {
    this.#closed = true;
    process.off("exit", this.#onExit);
    for (const worker of this.#all) worker.kill("the video service was closed");
    this.#all.clear();
    this.#idle = [];
    for (const one of this.#waiting.splice(0)) one.reject(new VideoError("the video service is closed"));
  }
  #drop(worker: WorkerProcess): void {
    worker.kill();
    this.#all.delete(worker);
  }
  #serve(): void {
    while (this.#waiting.length > 0) {
      for (const worker of this.#idle) if (!worker.alive) this.#all.delete(worker);
      this.#idle = this.#idle.filter(({ alive }) => alive);
      const next = this.#nextPair();
      if (next === undefined) return;
      const [{ file, resolve }, worker] = next;
      worker.file = file ?? worker.file;
      resolve(worker);
    }
  }
  /** A job that can start now, taken out of those that wait, and the worker for it. */
  #nextPair(): [Waiting, WorkerProcess] | undefined {
    const first = this.#waiting[0]!;
    const knownBy = ({ file }: Waiting): WorkerProcess | undefined =>
      file === undefined ? undefined : this.#idle.find((worker) => worker.file === file);
    const job = (first.passed < mostPassed ? this.#waiting.find(knownBy) : undefined) ?? first;
    // Of the others the one that was idle longest: what the last one read may be asked for next.
    const worker = knownBy(job) ?? this.#idle[0] ?? this.#another();
    if (worker === undefined) return undefined;
    if (job !== first) first.passed++;
    this.#waiting.splice(this.#waiting.indexOf(job), 1);
    this.#idle = this.#idle.filter((one) => one !== worker);
    return [job, worker];
  }
  /** One more worker, where there may be one. */
  #another(): WorkerProcess | undefined {
    // A worker whose job has long waited for its reader does not count: that reader may wait for another job.
    let working = 0;
    for (const one of this.#all) if (!one.stuckOutside) working++;
    if (working >= this.#size) return undefined;
    const worker = new WorkerProcess(this.#decoder, this.#limits);
    this.#all.add(worker);
    return worker;
  }
}
