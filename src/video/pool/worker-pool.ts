import { VideoError } from "../../core/errors.ts";
import type { VideoLimits } from "../limits.ts";
import { type ChosenDecoder, WorkerProcess } from "./worker-process.ts";

/** Jobs after which a worker is replaced: whatever a native library leaks goes with it. */
const jobsPerWorker = 500;

/** How long a job may wait for its reader or feeder before another worker may start in its place. */
const patienceMilliseconds = 100;

/** Workers of one decoder, started when needed; hands each to one job at a time, in the order of asking. */
export class WorkerPool {
  #decoder: ChosenDecoder;
  #size: number;
  #limits: VideoLimits;
  #all = new Set<WorkerProcess>();
  #idle: WorkerProcess[] = [];
  #waiting: { resolve: (worker: WorkerProcess) => void; reject: (error: Error) => void }[] = [];
  #closed = false;
  #onExit = (): void => {
    for (const worker of this.#all) worker.kill();
  };
  constructor(decoder: ChosenDecoder, size: number, limits: VideoLimits) {
    this.#decoder = decoder;
    this.#size = size;
    this.#limits = limits;
    process.on("exit", this.#onExit);
  }
  /** True when nobody else works or waits, so that one job may use every core. */
  get quiet(): boolean {
    return this.#waiting.length === 0 && this.#all.size - this.#idle.length <= 1;
  }
  /** A worker that is ready. @throws {UnsupportedError} when the decoder cannot be loaded */
  async acquire(): Promise<WorkerProcess> {
    if (this.#closed) throw new VideoError("the video service is closed");
    const worker = await new Promise<WorkerProcess>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
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
      let worker = this.#idle.pop();
      while (worker !== undefined && !worker.alive) {
        this.#all.delete(worker);
        worker = this.#idle.pop();
      }
      if (worker === undefined) {
        // A worker whose job has long waited for its reader does not count: that reader may wait for another job.
        let working = 0;
        for (const one of this.#all) if (!one.stuckOutside) working++;
        if (working >= this.#size) return;
        worker = new WorkerProcess(this.#decoder, this.#limits);
        this.#all.add(worker);
      }
      this.#waiting.shift()!.resolve(worker);
    }
  }
}
