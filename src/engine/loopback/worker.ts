/** The program of the loopback engine's other process: dials its controller, shows the token, does its calls. */
import { connect } from "node:net";
import { MessageReader, writeMessage } from "../../core/framed-messages.ts";
import type { Engine } from "../contract.ts";
import type { EngineRequest } from "../engine-plugin.ts";
import { openEngine } from "../engines.ts";
import {
  type FromEngineWorker,
  type ToEngineWorker,
  wireError,
  workerEnvironment,
} from "../worker-protocol.ts";
import { EngineCalls, type GivenArguments } from "./calls.ts";
import { MediaCache } from "./media-cache.ts";
import type { LoopbackOptions } from "./open.ts";

const socket = connect(Number(process.env[workerEnvironment.port]), "127.0.0.1");
const reader = new MessageReader();
const stops = new Map<number, AbortController>();
let calls: EngineCalls | undefined;
let engine: Engine | undefined;

socket.setNoDelay(true);
const say = (message: FromEngineWorker): void => {
  writeMessage(socket, message);
};

/** What {@link openLoopback} orders. */
type Order = Required<Pick<LoopbackOptions, "engine" | "mediaBytes">> & EngineRequest;

const open = async ({ engine: chosen, mediaBytes, threads, ...request }: Order): Promise<void> => {
  const opened = await openEngine({ engine: chosen, threads }, request);
  engine = opened.engine;
  calls = new EngineCalls(engine, new MediaCache(mediaBytes));
  const { capabilities, inspect } = engine;
  say({ kind: "ready", capabilities, inspects: inspect !== undefined, warnings: opened.warnings });
};

const answer = async (message: Extract<ToEngineWorker, { kind: "call" }>): Promise<void> => {
  const { id, operation, media } = message;
  const given = message.given as GivenArguments;
  const contents = calls!.missing(given, media);
  if (contents.length > 0) return say({ kind: "missing", id, contents });
  const stop = new AbortController();
  stops.set(id, stop);
  try {
    const before = engine!.statistics().computingSeconds;
    const value = await calls!.do(operation, given, media, { signal: stop.signal });
    const seconds = engine!.statistics().computingSeconds - before;
    say({ kind: "result", id, value, version: engine!.version, seconds });
  } catch (error) {
    say({ kind: "error", id, error: wireError(error) });
  } finally {
    stops.delete(id);
  }
};

const hear = (message: ToEngineWorker): void => {
  if (message.kind === "ping") say({ kind: "pong" });
  else if (message.kind === "cancel") stops.get(message.id)?.abort();
  else if (message.kind === "call") void answer(message);
  else
    open(message.order as unknown as Order).catch((error) =>
      say({ kind: "error", id: undefined, error: wireError(error) }),
    );
};

socket.on("connect", () => say({ kind: "hello", token: process.env[workerEnvironment.token] ?? "" }));
socket.on("data", (piece) => {
  for (const message of reader.push(piece)) hear(message as ToEngineWorker);
});
// Nobody is there to compute for any more.
socket.on("close", () => process.exit(0));
socket.on("error", () => process.exit(1));
