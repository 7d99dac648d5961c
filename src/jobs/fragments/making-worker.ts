/** The thread that `making-thread.ts` starts: it has a decoder and memory of its own. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../core/errors.ts";
import { wireError } from "../../engine/worker-protocol.ts";
import type { PlannedClip } from "../build/protocol.ts";
import { openMakerHere } from "./maker.ts";
import type { FromMaker, MakingOrder, ToMaker } from "./making-protocol.ts";

assert(parentPort !== null, "this file is a thread of `fragments`");
const port = parentPort;
const send = (message: FromMaker): void => port.postMessage(message);

const { order, means } = workerData as MakingOrder;
const maker = openMakerHere(order, means, (line) => send({ kind: "warning", line }));
// Whoever asks for a clip is told.
maker.catch(() => {});
const stop = new AbortController();

const make = async (planned: PlannedClip): Promise<void> => {
  try {
    send({ kind: "done", made: await (await maker).make(planned, stop.signal) });
  } catch (error) {
    send({ kind: "failed", position: planned.position, error: wireError(error) });
  }
};

port.on("message", (message: ToMaker) => {
  if (message.kind === "make") void make(message.planned);
  else {
    stop.abort();
    if (message.kind === "stop") return;
    port.close();
    void maker.then((opened) => opened[Symbol.asyncDispose]()).catch(() => {});
  }
});
