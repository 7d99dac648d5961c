/** The thread that `reading-thread.ts` starts: it has decoders, tokenizer and caches of its own. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../core/errors.ts";
import { wireError } from "../../engine/worker-protocol.ts";
import { openClips } from "../clips.ts";
import { type ReadRequest, readingMeans, readUnit } from "./reading.ts";
import {
  asSent,
  type FromReader,
  type ReadingOrder,
  type SentRequest,
  type ToReader,
} from "./reading-protocol.ts";
import { Dropped, type DroppedSample } from "./rows.ts";

assert(parentPort !== null, "this file is a thread of a training run");
const port = parentPort;
const send = (message: FromReader, memory: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, memory as ArrayBuffer[]);

/** Tells the run, which keeps the list. */
class SentDropped extends Dropped {
  override add(sample: DroppedSample): void {
    send({ kind: "dropped", sample });
  }
}

const { settings, clips: options } = workerData as ReadingOrder;
const clips = openClips(options, (line) => send({ kind: "warning", line }));
const means = readingMeans(settings, clips, new SentDropped(() => {}));
// Whoever reads is told.
means.catch(() => {});
const units = new Map<number, ReadRequest["unit"]>();
const running = new Map<number, AbortController>();

const read = async (id: number, { number, unit: sent, ...how }: SentRequest): Promise<void> => {
  if (sent !== undefined) units.set(number, sent);
  const stop = new AbortController();
  running.set(id, stop);
  try {
    const request = { ...how, unit: units.get(number) } as ReadRequest;
    const result = await readUnit(request, await means, settings.seed, stop.signal);
    const { value, memory } = asSent(result);
    send({ kind: "done", id, result: value }, memory);
  } catch (error) {
    send({ kind: "failed", id, error: wireError(error) });
  } finally {
    running.delete(id);
  }
};

port.on("message", (message: ToReader) => {
  if (message.kind === "read") void read(message.id, message.request);
  else if (message.kind === "stop") running.get(message.id)?.abort();
  else {
    for (const stop of running.values()) stop.abort();
    port.close();
    void clips[Symbol.asyncDispose]();
  }
});
