import { join } from "node:path";
import { messageOf, VideoPerceiverError } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import { rowOfSample } from "../dataset/schema.ts";
import type { LoadedDecoder } from "../video/decoders.ts";
import { planClip } from "./clip.ts";
import { loadEncoder, writeClip } from "./encode.ts";
import {
  chunkClips,
  chunkFile,
  type FinishedChunk,
  type FinishedClip,
  type FromWorldWorker,
  type ToWorldWorker,
  type WorldOrder,
} from "./protocol.ts";
import { samplesOf, truthRow } from "./samples.ts";

/**
 * The process that plans, renders and encodes: pixels never leave it. It is given one chunk after the other and may be
 * killed at any time.
 */

const send = (message: FromWorldWorker): void => {
  process.send?.(message);
};

let order: WorldOrder | undefined;
let encoder: LoadedDecoder | undefined;

const makeChunk = async (chunk: number): Promise<void> => {
  const { seed, count, profile, out } = order!;
  const clips: FinishedClip[] = [];
  const end = Math.min(count, (chunk + 1) * chunkClips);
  for (let index = chunk * chunkClips; index < end; index++) {
    const plan = planClip(seed, index, profile);
    const clip = await writeClip(encoder!.backend, plan, out);
    const named = { file: clip.file, sha256: clip.sha256 };
    clips.push({
      index,
      sha256: clip.sha256,
      bytes: clip.bytes,
      truth: truthRow(plan, named),
      rows: samplesOf(plan, named).map((sample) => [sample.skill!, rowOfSample(sample)]),
    });
    send({ type: "clip" });
  }
  const content: FinishedChunk = { clips };
  writeFileAtomic(join(out, chunkFile(chunk)), JSON.stringify(content));
};

const handle = async (message: ToWorldWorker): Promise<void> => {
  if (message.type === "begin") {
    order = message.order;
    encoder = await loadEncoder();
    send({ type: "ready", encoder: encoder.identity });
  } else {
    await makeChunk(message.chunk);
    send({ type: "done", chunk: message.chunk });
  }
};

// Ctrl-C reaches the whole group of processes; the program decides when this one ends.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToWorldWorker) => {
  handle(message).catch((error: unknown) => {
    const usersFault = error instanceof VideoPerceiverError;
    const text = usersFault ? messageOf(error) : error instanceof Error ? error.stack! : String(error);
    send({ type: "failed", message: text, usersFault });
  });
});
