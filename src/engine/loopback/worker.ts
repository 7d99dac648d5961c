/** The program of the loopback engine's other process: dials its controller, shows the token, does its calls. */
import { connect } from "node:net";
import { MessageReader, writeMessage } from "../../core/framed-messages.ts";
import { adaptedModel } from "../../model/adapted-model.ts";
import { readConfigFile } from "../../model/families.ts";
import { readAdapter } from "../../weights/adapter.ts";
import type { Engine } from "../contract.ts";
import { openEngine } from "../onnx/open.ts";
import { EngineCalls, type GivenArguments } from "./calls.ts";
import { MediaCache } from "./media-cache.ts";
import { type FromWorker, type ModelOrder, type ToWorker, wireError, workerEnvironment } from "./protocol.ts";

const socket = connect(Number(process.env[workerEnvironment.port]), "127.0.0.1");
const reader = new MessageReader();
const stops = new Map<number, AbortController>();
let calls: EngineCalls | undefined;
let engine: Engine | undefined;

socket.setNoDelay(true);
const say = (message: FromWorker): void => {
  writeMessage(socket, message);
};

const open = async ({ folder, trained, adapterFolder, options, mediaBytes }: ModelOrder): Promise<void> => {
  const adapter =
    adapterFolder === undefined
      ? undefined
      : await readAdapter(adapterFolder, adaptedModel(await readConfigFile(folder)));
  engine = (await openEngine(folder, trained, options, adapter)).engine;
  calls = new EngineCalls(engine, new MediaCache(mediaBytes));
  say({ kind: "ready", capabilities: engine.capabilities });
};

const answer = async (message: Extract<ToWorker, { kind: "call" }>): Promise<void> => {
  const { id, operation, media } = message;
  const given = message.given as GivenArguments;
  const contents = calls!.missing(given, media);
  if (contents.length > 0) return say({ kind: "missing", id, contents });
  const stop = new AbortController();
  stops.set(id, stop);
  try {
    const value = await calls!.do(operation, given, media, { signal: stop.signal });
    say({ kind: "result", id, value, version: engine!.version });
  } catch (error) {
    say({ kind: "error", id, error: wireError(error) });
  } finally {
    stops.delete(id);
  }
};

const hear = (message: ToWorker): void => {
  if (message.kind === "cancel") stops.get(message.id)?.abort();
  else if (message.kind === "call") void answer(message);
  else open(message.order).catch((error) => say({ kind: "error", id: undefined, error: wireError(error) }));
};

socket.on("connect", () => say({ kind: "hello", token: process.env[workerEnvironment.token] ?? "" }));
socket.on("data", (piece) => {
  for (const message of reader.push(piece)) hear(message as ToWorker);
});
// Nobody is there to compute for any more.
socket.on("close", () => process.exit(0));
socket.on("error", () => process.exit(1));
