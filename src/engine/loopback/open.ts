import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { EngineLostError } from "../../core/errors.ts";
import { MessageReader, writeMessage } from "../../core/framed-messages.ts";
import { knowingOwnPlugins } from "../../core/registry.ts";
import { modelFamilies, readConfigFile } from "../../model/families.ts";
import { defaultEngine, engineRegistry } from "../engines.ts";
import { Connection } from "./connection.ts";
import { LoopbackEngine } from "./engine.ts";
import {
  errorFromWire,
  type FromEngineWorker,
  type ModelOrder,
  type ReadyMessage,
  type ToEngineWorker,
  workerEnvironment,
} from "./protocol.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const program = fileURLToPath(new URL(`./worker.${extension}`, import.meta.url));

export interface LoopbackOptions extends Omit<ModelOrder, "mediaBytes" | "engine"> {
  /** What the other process holds. Default: {@link defaultEngine}. */
  readonly engine?: string;
  /** Most bytes of patches that the other process keeps. Default 4e9. */
  readonly mediaBytes?: number;
  /** Longest time that a call may take which names none of its own; then the engine is lost. Default: no limit. */
  readonly deadlineSeconds?: number;
}

/** An engine and the process that computes for it. */
export interface OpenedLoopback {
  readonly engine: LoopbackEngine;
  readonly warnings: readonly string[];
  readonly processId: number;
}

const isToken = (given: string, token: string): boolean =>
  given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));

/** Waits for the worker to dial in and show its token, then for the model. */
const greet = (
  child: ChildProcess,
  socket: Socket,
  token: string,
  order: ModelOrder,
): Promise<ReadyMessage> =>
  new Promise((resolve, reject) => {
    const reader = new MessageReader();
    const fail = (error: unknown): void => {
      child.kill("SIGKILL");
      reject(error);
    };
    const lost = (why: string): void =>
      fail(new EngineLostError({ rank: 0, host: hostname(), operation: "open", why }));
    const say = (message: ToEngineWorker): void => {
      writeMessage(socket, message);
    };
    let isKnown = false;
    const hear = (message: FromEngineWorker): void => {
      if (!isKnown) {
        isKnown = message.kind === "hello" && isToken(message.token, token);
        if (isKnown) say({ kind: "open", order });
        else lost("a wrong token was shown");
      } else if (message.kind === "ready") {
        socket.removeListener("data", receive);
        socket.removeListener("close", onClose);
        resolve(message);
      } else if (message.kind === "error") fail(errorFromWire(message.error));
    };
    const receive = (piece: Buffer): void => {
      try {
        for (const message of reader.push(piece)) hear(message as FromEngineWorker);
      } catch (error) {
        fail(error);
      }
    };
    const onClose = (): void => lost("its process ended before the model was open");
    socket.on("data", receive);
    socket.on("close", onClose);
  });

/** Node's arguments for the other process. @throws {ConfigError} {@link UnknownNameError} for what it cannot load */
const workerArguments = async (held: string, folder: string): Promise<string[]> => {
  const { recipe } = await engineRegistry.choose(held);
  engineRegistry.elsewhere(recipe.name);
  modelFamilies.elsewhere((await readConfigFile(folder)).family);
  return ["--disable-warning=ExperimentalWarning", ...knowingOwnPlugins(), program];
};

/**
 * Opens a checkpoint in an engine that computes in another process of this machine, which knows the plug-ins that this
 * one has loaded from files. It dials back to a port of 127.0.0.1 and shows a token; it ends with its connection.
 *
 * @throws {WeightsError} {@link ConfigError} when the checkpoint or adapter cannot be opened
 * @throws {EngineLostError} when the process ends before the model is open
 */
export const openLoopback = async (options: LoopbackOptions): Promise<OpenedLoopback> => {
  const { engine: held = defaultEngine, mediaBytes = 4e9, deadlineSeconds, ...order } = options;
  const args = await workerArguments(held, order.folder);
  const token = randomBytes(32).toString("hex");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      [workerEnvironment.port]: String((server.address() as AddressInfo).port),
      [workerEnvironment.token]: token,
    },
  });
  try {
    const socket = await new Promise<Socket>((resolve, reject) => {
      server.once("connection", resolve);
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        const why = `its process ended with ${signal ?? `status ${code}`}`;
        reject(new EngineLostError({ rank: 0, host: hostname(), operation: "open", why }));
      });
    });
    socket.setNoDelay(true);
    const ready = await greet(child, socket, token, { ...order, engine: held, mediaBytes });
    const engine = new LoopbackEngine(new Connection(socket, child), ready, deadlineSeconds);
    return { engine, processId: child.pid!, warnings: ready.warnings };
  } finally {
    server.close();
  }
};
