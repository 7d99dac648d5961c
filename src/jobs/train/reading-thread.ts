/** A thread that reads clips while an engine, whose calls hold up the thread they are made in, computes a step. */
import { Worker } from "node:worker_threads";
import { keywordExtractors } from "../../absent/keywords.ts";
import { InternalError, messageOf } from "../../core/errors.ts";
import { splitName } from "../../core/named-params.ts";
import { knowingOwnPlugins } from "../../core/registry.ts";
import { errorFromWire } from "../../engine/worker-protocol.ts";
import type { ClipsOptions } from "../clips.ts";
import type { LoadedClip } from "./clip-feed.ts";
import type { ClipReader, ReadingSettings, ReadRequest, ReadResult } from "./reading.ts";
import { asRead, type FromReader, type ReadingOrder, type ToReader } from "./reading-protocol.ts";
import type { Dropped } from "./rows.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** Who is told what the thread drops and warns of. */
export interface ReadingListener {
  readonly dropped: Pick<Dropped, "add">;
  readonly warn: (line: string) => void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

class ReadingThread implements ClipReader {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #numbers = new WeakMap<ReadRequest["unit"], number>();
  readonly #ended: Promise<void>;
  #count = 0;
  #units = 0;
  /** Why nothing can be read any more. */
  #lost: Error | undefined;

  constructor(order: ReadingOrder, { dropped, warn }: ReadingListener) {
    this.#worker = new Worker(new URL(`./reading-worker.${extension}`, import.meta.url), {
      workerData: order,
      execArgv: ["--disable-warning=ExperimentalWarning", ...knowingOwnPlugins()],
    });
    this.#worker.unref();
    this.#worker.on("message", (message: FromReader) => {
      if (message.kind === "dropped") dropped.add(message.sample);
      else if (message.kind === "warning") warn(message.line);
      else this.#answer(message);
    });
    this.#worker.on("error", (error) => this.#lose(messageOf(error)));
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#lose(`it ended with ${code}`);
        resolve();
      });
    });
  }

  async read<Request extends ReadRequest>(
    request: Request,
    signal: AbortSignal,
  ): Promise<ReadResult<Request>> {
    signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    const { unit, ...how } = request;
    const known = this.#numbers.get(unit);
    const number = known ?? this.#units++;
    this.#numbers.set(unit, number);
    const id = this.#count++;
    const sent = { ...how, number, ...(known === undefined && { unit }) };
    let stop: (() => void) | undefined;
    try {
      const result = await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        stop = () => {
          this.#send({ kind: "stop", id });
          reject(signal.reason);
        };
        signal.addEventListener("abort", stop);
        this.#worker.ref();
        this.#send({ kind: "read", id, request: sent });
      });
      const read = asRead(result) as ReadResult<Request>;
      if (read === undefined || request.kind !== "group") return read;
      // The samples are those that are here already, not copies.
      const clip = read as LoadedClip;
      return { ...clip, planned: { ...clip.planned, group: request.unit } } as ReadResult<Request>;
    } finally {
      if (stop !== undefined) signal.removeEventListener("abort", stop);
      this.#waiting.delete(id);
      // Whoever closes it waits for its end.
      if (this.#waiting.size === 0 && this.#lost === undefined) this.#worker.unref();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lost !== undefined) return;
    this.#lost = new InternalError("the thread that reads clips is closed");
    this.#worker.ref();
    this.#send({ kind: "close" });
    await this.#ended;
  }

  #send(message: ToReader): void {
    this.#worker.postMessage(message);
  }

  #answer(message: Extract<FromReader, { id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    if (message.kind === "done") waiting?.resolve(message.result);
    else waiting?.reject(errorFromWire(message.error));
  }

  #lose(why: string): void {
    this.#lost ??= new InternalError(`the thread that reads clips is lost: ${why}`);
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
  }
}

/** Starts a thread that reads. @throws {ConfigError} for an extractor of keywords that only this thread knows */
export const openReadingThread = (
  settings: ReadingSettings,
  clips: ClipsOptions,
  listener: ReadingListener,
): ClipReader => {
  if (settings.contrasted) keywordExtractors.elsewhere(splitName(settings.extractor).name);
  return new ReadingThread({ settings, clips }, listener);
};
