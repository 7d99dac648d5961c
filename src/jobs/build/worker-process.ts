import { join } from "node:path";
import { messageOf, StartError, VideoPerceiverError } from "../../core/errors.ts";
import { makeFolder, writeFileAtomic } from "../../core/files.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { loadPlugin } from "../load-plugin.ts";
import { buildClip } from "./build-clip.ts";
import { addCost, clipCost } from "./clip-cost.ts";
import { type ClipTools, openClipTools } from "./clip-tools.ts";
import { type FromBuildWorker, type PlannedClip, resultFile, type ToBuildWorker } from "./protocol.ts";
import { noteUnanswered } from "./work-folder.ts";

/**
 * The process that makes one clip after the other. Its result is a file that appears whole under a name that only the
 * clip decides, so it may be killed at any time, and made twice, it is the same file.
 */

const secondsBetweenSigns = 5;

/** A message that nobody takes any more is no fault: the program is gone, and this process ends with its channel. */
const send = (message: FromBuildWorker): void => {
  process.send?.(message, undefined, undefined, () => {});
};

let tools: ClipTools | undefined;
let position: number | null = null;
const never = new AbortController().signal;

const make = async (clip: PlannedClip): Promise<void> => {
  position = clip.position;
  const started = nowMilliseconds();
  const { built, isMeasure, mayAnswerLater } = await buildClip(clip, tools!, never);
  const file = join(tools!.order.out, resultFile(position));
  makeFolder(join(file, ".."));
  if (mayAnswerLater) noteUnanswered(tools!.order.out, position);
  writeFileAtomic(file, JSON.stringify(built));
  const { rows, rejected, durationSeconds: videoSeconds } = built;
  const seconds = (nowMilliseconds() - started) / 1000;
  // What scores cost is told and not kept: of another build with the same clips they are known, and cost nothing.
  const cost = addCost(clipCost(built), await tools!.spentOnRelevance());
  const counts = { rows: rows.length, rejected: rejected.length, cost };
  send({ type: "done", position, ...counts, seconds, videoSeconds, isMeasure });
  position = null;
};

const handle = async (message: ToBuildWorker): Promise<void> => {
  if (message.type === "clip") return make(message.clip);
  for (const file of message.order.plugins) await loadPlugin(file);
  tools = await openClipTools(message.order, (line) => void process.stderr.write(`${line}\n`));
  // A decoder that nobody can start is no clip's fault.
  await tools.clips.direct.decoder();
  send({ type: "ready" });
};

process.on("disconnect", () => process.exit(0));
setInterval(() => send({ type: "alive" }), secondsBetweenSigns * 1000).unref();
process.on("message", (message: ToBuildWorker) => {
  handle(message).catch((error: unknown) => {
    const isOneLine = error instanceof StartError || error instanceof VideoPerceiverError;
    const message = error instanceof Error && !isOneLine ? error.stack! : messageOf(error);
    send({ type: "failed", position: error instanceof StartError ? null : position, message });
    position = null;
  });
});
