/** The process that computes for an engine of another process: starting it, and knowing that it is ours. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { hostname } from "node:os";
import { EngineLostError } from "../core/errors.ts";
import { MessageReader, writeMessage } from "../core/framed-messages.ts";
import { Connection } from "./worker-connection.ts";
import {
  errorFromWire,
  type FromEngineWorker,
  type ModelOrder,
  type ReadyMessage,
  type ToEngineWorker,
  workerEnvironment,
} from "./worker-protocol.ts";

/** A program that dials back and shows its token. */
export interface WorkerProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** "kept": what it writes to standard error is not shown; its last line is said when it ends too early. */
  readonly errors: "shown" | "kept";
}

/** A worker whose model is open. */
export interface StartedWorker {
  readonly connection: Connection;
  readonly ready: ReadyMessage;
  readonly processId: number;
}

/** Most characters of a worker's standard error that are kept. */
const keptText = 4000;

const isToken = (given: string, token: string): boolean =>
  given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));

const lost = (why: string): EngineLostError =>
  new EngineLostError({ rank: 0, host: hostname(), operation: "open", why });

/** Keeps the end of what a process writes to standard error. @returns its last line */
const lastLine = (child: ChildProcess): (() => string | undefined) => {
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    text = (text + piece).slice(-keptText);
  });
  return () => text.trim().split("\n").at(-1) || undefined;
};

/** Waits for the worker to show its token, then for the model. */
const greet = (socket: Socket, token: string, order: ModelOrder): Promise<ReadyMessage> =>
  new Promise((resolve, reject) => {
    const reader = new MessageReader();
    const say = (message: ToEngineWorker): void => {
      writeMessage(socket, message);
    };
    let isKnown = false;
    const hear = (message: FromEngineWorker): void => {
      if (!isKnown) {
        isKnown = message.kind === "hello" && isToken(message.token, token);
        if (isKnown) say({ kind: "open", order });
        else reject(lost("a wrong token was shown"));
      } else if (message.kind === "ready") {
        socket.removeListener("data", receive);
        socket.removeListener("close", onClose);
        resolve(message);
      } else if (message.kind === "error") reject(errorFromWire(message.error));
    };
    const receive = (piece: Buffer): void => {
      try {
        for (const message of reader.push(piece)) hear(message as FromEngineWorker);
      } catch (error) {
        reject(error);
      }
    };
    const onClose = (): void => reject(lost("its process ended before the model was open"));
    // A process that is killed while the order is on its way resets its connection; "close" follows and is told.
    socket.on("error", () => {});
    socket.on("data", receive);
    socket.on("close", onClose);
  });

/**
 * Starts a worker and has it open a model. It dials back to a port of 127.0.0.1 and ends with its connection.
 *
 * @throws {WeightsError} {@link ConfigError} {@link EngineError} when the worker cannot open the model
 * @throws {EngineLostError} when the process cannot be started, or ends before the model is open
 */
export const startWorker = async (
  { command, args, env = {}, errors }: WorkerProgram,
  order: ModelOrder,
): Promise<StartedWorker> => {
  const token = randomBytes(32).toString("hex");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", errors === "shown" ? "inherit" : "pipe"],
    env: {
      ...process.env,
      ...env,
      [workerEnvironment.port]: String((server.address() as AddressInfo).port),
      [workerEnvironment.token]: token,
    },
  });
  const said = lastLine(child);
  try {
    const socket = await new Promise<Socket>((resolve, reject) => {
      server.once("connection", resolve);
      child.once("error", (error) => reject(lost(`${command} cannot be started: ${error.message}`)));
      child.once("close", (code, signal) =>
        reject(lost(said() ?? `its process ended with ${signal ?? `status ${code}`}`)),
      );
    });
    socket.setNoDelay(true);
    const ready = await greet(socket, token, order).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
    return { connection: new Connection(socket, child), ready, processId: child.pid! };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    server.close();
  }
};
