import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, closeSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { messageOf, StartError, UnsupportedError, VideoError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { reservedMegabytes, type VideoLimits } from "../limits.ts";
import { openPixelFile, readPixels } from "../pixel-file.ts";
import { encodeHead, type FromWorker, PayloadReader, type ToWorker } from "../protocol.ts";
import type { DecoderIdentity } from "../types.ts";
import { residentMemory } from "./resident-memory.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const program = fileURLToPath(new URL(`../worker/main.${extension}`, import.meta.url));

/** Full path of a program on the search path, or undefined. */
export const findProgram = (name: string): string | undefined => {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {}
  }
  return undefined;
};

/** What a job wants to hear from its worker. */
export interface JobListener {
  readonly onMessage: (message: FromWorker, payload: Buffer) => void;
  /** The worker is gone; the job will not end by itself. */
  readonly onDeath: (error: Error) => void;
  /** Memory for a payload; memory of its own when left out. */
  readonly memory?: (bytes: number) => Buffer;
}

const outOfMemory = ({ memoryMegabytes }: VideoLimits): string =>
  `the decoder ran out of its ${memoryMegabytes} MB`;

/** How often memory is looked at where nothing else holds it; a decoder can take a gigabyte a second. */
const memoryLookMilliseconds = 100;

/** A decoder as a worker has to know it. */
export interface ChosenDecoder {
  /** NAME or NAME:key=value. */
  readonly chosen: string;
  /** Node's arguments that make a plug-in from outside known; none for ours. */
  readonly preloads: readonly string[];
}

/** How a worker is started; `watched`: nothing but its parent holds its memory. */
interface StartCommand {
  readonly command: string;
  readonly args: string[];
  readonly watched: boolean;
}

const startCommand = (
  { chosen, preloads }: ChosenDecoder,
  limits: VideoLimits,
  handsOver: boolean,
): StartCommand => {
  // Pictures lie outside of the heap; young objects need little room, and hours of video are watched for memory.
  const options = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=2", ...preloads];
  const args = [...options, program, chosen, ...(handsOver ? ["pixels"] : [])];
  const prlimit = process.platform === "linux" ? findProgram("prlimit") : undefined;
  if (prlimit === undefined) return { command: process.execPath, args, watched: true };
  const bytes = Math.round(limits.memoryMegabytes * 1e6);
  const limited = [`--data=${bytes}`, "--core=0", process.execPath, ...args];
  return { command: prlimit, args: limited, watched: false };
};

/** One decoder process: takes one job at a time and is ended, never interrupted. */
export class WorkerProcess {
  /** Settles with the decoder's name when the process is ready to work. */
  readonly ready: Promise<DecoderIdentity>;
  /** Jobs taken so far. */
  jobs = 0;
  /** The clip that it read last; kept by the pool. */
  file: string | undefined;
  /** True while the job's reader or feeder is what everybody waits for. */
  waitingOutside = false;
  /** True when that has lasted a while; kept by the pool. */
  stuckOutside = false;
  /** Kept by the pool. */
  waitingTimer: NodeJS.Timeout | undefined;
  /** False once the process is gone. */
  alive = true;
  #child: ChildProcess;
  #input: Duplex;
  #output: Duplex;
  #pixels: number | undefined = openPixelFile();
  #listener: JobListener | undefined;
  #limits: VideoLimits;
  #lastSign = 0;
  #used = 0;
  #timer: NodeJS.Timeout | undefined;
  #memoryTimer: NodeJS.Timeout | undefined;
  #watched: boolean;
  #looking = false;
  #lastWords = "";
  #reason: string | undefined;
  #isReady = false;
  constructor(decoder: ChosenDecoder, limits: VideoLimits) {
    this.#limits = limits;
    const { command, args, watched } = startCommand(decoder, limits, this.#pixels !== undefined);
    this.#watched = watched;
    this.#child = spawn(command, args, {
      stdio: [
        "ignore",
        "ignore",
        "pipe",
        "pipe",
        "pipe",
        ...(this.#pixels === undefined ? [] : [this.#pixels]),
      ],
      detached: true,
      env: { ...process.env, NODE_OPTIONS: "", UV_THREADPOOL_SIZE: "2" },
    });
    this.#input = this.#child.stdio[3] as Duplex;
    this.#output = this.#child.stdio[4] as Duplex;
    this.#input.on("error", () => {});
    this.#output.on("error", () => {});
    this.#child.stderr?.on("data", (piece: Buffer) => {
      this.#lastWords = (this.#lastWords + piece.toString()).slice(-2000);
    });
    this.ready = new Promise((resolve, reject) => {
      this.#listener = {
        onMessage: (message) => {
          if (message.type === "ready") {
            this.#isReady = true;
            resolve(message.decoder);
          } else if (message.type === "unavailable")
            reject(new UnsupportedError(`decoder ${decoder.chosen} cannot be used`, { got: message.reason }));
        },
        onDeath: reject,
      };
    });
    this.ready.catch(() => {});
    const memory = (bytes: number): Buffer =>
      this.#listener?.memory?.(bytes) ?? Buffer.allocUnsafeSlow(bytes);
    const reader = new PayloadReader<FromWorker>((message, payload) => {
      this.#lastSign = nowMilliseconds();
      if (message.type === "chunk" && message.place !== undefined) this.#takePixels(message, memory);
      else if (message.type !== "alive") this.#listener?.onMessage(message, payload);
    }, memory);
    this.#output.on("data", (piece: Buffer) => reader.push(piece));
    this.#child.on("error", (error) => this.#died(`cannot start: ${error.message}`));
    this.#child.on("exit", (code, signal) => this.#died(signal ?? `status ${code}`));
  }
  /** Hands over a job. `this.release` must follow when its last message has come. */
  take(listener: JobListener): void {
    this.#listener = listener;
    this.jobs++;
    this.#used = 0;
    this.#lastSign = nowMilliseconds();
    this.waitingOutside = false;
    this.#reference(true);
    this.#timer = setInterval(() => this.#checkTime(), 1000);
    if (this.#watched)
      this.#memoryTimer = setInterval(() => void this.#checkMemory(), memoryLookMilliseconds);
  }
  /** The job is over. */
  release(): void {
    this.#listener = undefined;
    this.#stopTimers();
    this.#reference(false);
  }
  /** Sends a message; settles when the pipe has room again. */
  send(message: ToWorker, payload?: Uint8Array): Promise<void> {
    if (!this.alive) return Promise.resolve();
    let flowing = this.#input.write(encodeHead(message, payload?.length ?? 0));
    if (payload !== undefined && payload.length > 0) flowing = this.#input.write(payload);
    this.#lastSign = nowMilliseconds();
    if (flowing) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#input.off("drain", done);
        this.#input.off("close", done);
        resolve();
      };
      this.#input.once("drain", done);
      this.#input.once("close", done);
    });
  }
  /** Ends the process and everything that it started; its job, if any, fails with `reason`. */
  kill(reason?: string): void {
    this.#reason ??= reason;
    const pid = this.#child.pid;
    if (pid === undefined || !this.alive) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      this.#child.kill("SIGKILL");
    }
  }
  #checkTime(): void {
    const now = nowMilliseconds();
    if (this.waitingOutside) {
      this.#lastSign = now;
      return;
    }
    this.#used += 1;
    if (this.#used > this.#limits.wallSeconds)
      this.kill(`took longer than ${this.#limits.wallSeconds} s; raise wallSeconds if that is right`);
    else if (now - this.#lastSign > this.#limits.stallSeconds * 1000)
      this.kill(`no sign of life for ${this.#limits.stallSeconds} s`);
  }
  #stopTimers(): void {
    clearInterval(this.#timer);
    clearInterval(this.#memoryTimer);
  }
  /** Does what `prlimit` does elsewhere: what the worker holds may be the limit less what Node only reserves. */
  async #checkMemory(): Promise<void> {
    const leader = this.#child.pid;
    if (this.#looking || leader === undefined) return;
    this.#looking = true;
    const { memoryMegabytes } = this.#limits;
    const admitted = (pid: number): number =>
      pid === leader ? memoryMegabytes - reservedMegabytes : memoryMegabytes;
    const held = await residentMemory(leader);
    this.#looking = false;
    if (held.some(({ pid, bytes }) => bytes > admitted(pid) * 1e6)) this.kill(outOfMemory(this.#limits));
  }
  /** Hands on a chunk whose pixels lie in the file. */
  #takePixels(message: Extract<FromWorker, { type: "chunk" }>, memory: (bytes: number) => Buffer): void {
    const { place } = message;
    if (this.#pixels === undefined || place === undefined) return;
    try {
      this.#listener?.onMessage(message, readPixels(this.#pixels, place, memory(place.bytes)));
    } catch (error) {
      this.kill(messageOf(error));
    }
  }
  #reference(on: boolean): void {
    const handles = [this.#child, this.#input, this.#output, this.#child.stderr] as unknown as {
      ref?(): void;
      unref?(): void;
    }[];
    for (const handle of handles)
      if (on) handle?.ref?.();
      else handle?.unref?.();
  }
  #died(how: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.#stopTimers();
    if (this.#pixels !== undefined) closeSync(this.#pixels);
    this.#pixels = undefined;
    const words = this.#lastWords.trim().split("\n");
    const memory = /out of memory|bad_alloc|Allocation failed/i.test(this.#lastWords);
    const got =
      this.#reason ??
      (memory
        ? outOfMemory(this.#limits)
        : `the decoder process ended (${how})${words[0] === "" ? "" : `: ${words.at(-1)}`}`);
    this.#input.destroy();
    const isOurFault = !this.#isReady && this.#reason === undefined;
    this.#listener?.onDeath(
      isOurFault
        ? new StartError(`a decoder process cannot start: ${got}`)
        : new VideoError("decoding gave up", { got }),
    );
    this.#listener = undefined;
  }
}
