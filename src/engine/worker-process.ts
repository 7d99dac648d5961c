/** The processes that compute for an engine of other processes: starting them, and knowing that they are ours. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { hostname } from "node:os";
import { type EngineLoss, EngineLostError } from "../core/errors.ts";
import { MessageReader, writeMessage } from "../core/framed-messages.ts";
import { type StartedProcesses, startProgram, type WorkerProgram } from "./started-processes.ts";
import { Connection } from "./worker-connection.ts";
import {
  errorFromWire,
  type FromEngineWorker,
  type ModelOrder,
  type ReadyMessage,
  type ToEngineWorker,
  type WorkerIdentity,
  workerEnvironment,
} from "./worker-protocol.ts";

/** Starts processes that dial back and show their token. @param environment what they must be told */
export type Launch = (environment: Readonly<Record<string, string>>) => StartedProcesses;

/** How workers are started. */
export interface StartOptions {
  /** How many will dial. Default 1. */
  readonly ranks?: number;
  /** Longest time until all have dialled and their model is open. Default 600. */
  readonly startSeconds?: number;
  /** Longest time without a sign of life, at least 60 until the model is open; undefined: they give none. */
  readonly heartbeatSeconds?: number | undefined;
  /** Where they dial. Default: a free port of 127.0.0.1. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined;
  /** What they show. Default: a new one. */
  readonly token?: string | undefined;
}

/** Workers whose model is open, by rank. */
export interface StartedWorkers {
  readonly connections: readonly Connection[];
  /** What the first one said. */
  readonly ready: ReadyMessage;
}

/** A worker whose model is open. */
export interface StartedWorker {
  readonly connection: Connection;
  readonly ready: ReadyMessage;
  readonly processId: number;
}

/** How long the end of a connection waits for the end of its process. */
const patienceMilliseconds = 500;

/** A sign of life is asked for this often within the time that it may take. */
const beatsPerLimit = 4;

/** Shortest limit on signs of life until the model is open: libraries are loaded meanwhile, which may hold everything up. */
const openingSeconds = 60;

const isToken = (given: string, token: string): boolean =>
  given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));

/** A worker that has shown its token, and what it says before its model is open. */
class Dialled {
  readonly who: WorkerIdentity;
  readonly socket: Socket;
  readonly #reader: MessageReader;
  #receive: ((piece: Buffer) => void) | undefined;

  constructor(socket: Socket, who: WorkerIdentity, reader: MessageReader) {
    this.socket = socket;
    this.who = who;
    this.#reader = reader;
  }

  /** Orders the model. @param silentSeconds longest time without a sign of life @returns what it says when that is open */
  open(order: ModelOrder, silentSeconds: number | undefined): Promise<ReadyMessage> {
    return new Promise((resolve, reject) => {
      const { rank, host, process } = this.who;
      const lost = (why: string): void => reject(new EngineLostError({ rank, host, operation: "open", why }));
      // Whoever started it says why, a moment later.
      const onClose = (): void =>
        void setTimeout(() => lost("its process ended before the model was open"), patienceMilliseconds);
      let unanswered = 0;
      const beat = (): void => {
        if (this.socket.destroyed) clearInterval(heart);
        else if (unanswered >= beatsPerLimit)
          lost(`no sign of life of process ${process} for ${silentSeconds} s`);
        else {
          unanswered++;
          writeMessage(this.socket, { kind: "ping" } satisfies ToEngineWorker);
        }
      };
      const heart =
        silentSeconds === undefined ? undefined : setInterval(beat, (silentSeconds * 1000) / beatsPerLimit);
      this.#receive = (piece) => {
        unanswered = 0;
        try {
          for (const message of this.#reader.push(piece) as FromEngineWorker[]) {
            if (message.kind === "error") reject(errorFromWire(message.error));
            if (message.kind !== "ready") continue;
            clearInterval(heart);
            this.socket.removeListener("close", onClose);
            this.socket.removeListener("data", this.#receive!);
            resolve(message);
          }
        } catch (error) {
          reject(error);
        }
      };
      this.socket.on("data", this.#receive);
      this.socket.on("close", onClose);
      writeMessage(this.socket, { kind: "open", order } satisfies ToEngineWorker);
    });
  }
}

/** Waits for the first message of a socket. @returns undefined when it is not of this protocol, or shows another token */
const greet = (socket: Socket, token: string): Promise<Dialled | undefined> =>
  new Promise((resolve) => {
    const reader = new MessageReader();
    const receive = (piece: Buffer): void => {
      try {
        const [message] = reader.push(piece) as FromEngineWorker[];
        if (message === undefined) return;
        socket.removeListener("data", receive);
        const isKnown = message.kind === "hello" && isToken(message.token, token);
        const { rank = 0, host = hostname(), process = 0 } = message as Partial<WorkerIdentity>;
        resolve(isKnown ? new Dialled(socket, { rank, host, process }, reader) : undefined);
      } catch {
        resolve(undefined);
      }
    };
    // A process that is killed while the order is on its way resets its connection; "close" follows and is told.
    socket.on("error", () => {});
    socket.on("data", receive);
    socket.on("close", () => resolve(undefined));
  });

/**
 * Waits until every rank has dialled and shown the token; whoever shows another one is sent away.
 *
 * @param open gets the sockets of all who dial, while they are open
 * @param known gets the ranks that have dialled, and their sockets
 */
const gather = (
  server: Server,
  ranks: number,
  token: string,
  strangers: string[],
  open: Set<Socket>,
  known: Dialled[],
): Promise<Dialled[]> =>
  new Promise((resolve) => {
    const dialled = new Map<number, Dialled>();
    server.on("connection", async (socket) => {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      socket.setNoDelay(true);
      const one = await greet(socket, token);
      if (one === undefined || one.who.rank >= ranks || dialled.has(one.who.rank)) {
        strangers.push("a wrong token was shown");
        socket.destroy();
        return;
      }
      dialled.set(one.who.rank, one);
      known.push(one);
      if (dialled.size === ranks) resolve([...dialled.values()].sort((a, b) => a.who.rank - b.who.rank));
    });
  });

/** Fails when the processes end, or when it takes too long. @param dialled who has dialled by then */
const failure = (
  processes: StartedProcesses,
  strangers: readonly string[],
  dialled: readonly Dialled[],
  { ranks = 1, startSeconds = 600 }: StartOptions,
): { readonly failed: Promise<never>; readonly cancel: () => void } => {
  let timer: NodeJS.Timeout | undefined;
  const all = { host: hostname(), ...(ranks === 1 ? { rank: 0 } : { ranks }) };
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string, who: Pick<EngineLoss, "rank" | "ranks" | "host"> = all): void =>
      reject(new EngineLostError({ ...who, operation: "open", why }));
    processes.onEnd(({ signal, why }) => {
      for (const { who } of dialled) {
        const { rank, host, process } = who;
        const end = processes.endOf(process);
        if (end !== undefined) return fail(end.why, { rank, host });
      }
      const words = signal === undefined ? processes.lastLine() : undefined;
      fail(words ?? strangers.at(-1) ?? (ranks === 1 ? why : `their launcher: ${why}`));
    });
    timer = setTimeout(
      () => fail(strangers.at(-1) ?? `the model was not open within ${startSeconds} s`),
      startSeconds * 1000,
    );
  });
  failed.catch(() => {});
  return { failed, cancel: () => clearTimeout(timer) };
};

/**
 * Starts workers and has them open a model. They dial back and end with their connections.
 *
 * @throws {WeightsError} {@link ConfigError} {@link EngineError} when one cannot open the model
 * @throws {EngineLostError} when a process cannot be started, ends before the model is open, or takes too long
 */
export const startWorkers = async (
  launch: Launch,
  order: ModelOrder,
  options: StartOptions = {},
): Promise<StartedWorkers> => {
  const { ranks = 1, heartbeatSeconds, listen } = options;
  const token = options.token ?? randomBytes(32).toString("hex");
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen?.port ?? 0, listen?.host ?? "127.0.0.1", resolve);
  });
  const processes = launch({
    [workerEnvironment.host]: listen?.host ?? "127.0.0.1",
    [workerEnvironment.port]: String((server.address() as AddressInfo).port),
    [workerEnvironment.token]: token,
  });
  const strangers: string[] = [];
  const known: Dialled[] = [];
  const { failed, cancel } = failure(processes, strangers, known, options);
  const open = new Set<Socket>();
  try {
    const dialled = await Promise.race([gather(server, ranks, token, strangers, open, known), failed]);
    const silentSeconds =
      heartbeatSeconds === undefined ? undefined : Math.max(heartbeatSeconds, openingSeconds);
    const opened = Promise.all(dialled.map((one) => one.open(order, silentSeconds)));
    const [ready] = await Promise.race([opened, failed]);
    const connections = dialled.map(
      ({ socket, who }) => new Connection(socket, { ...who, processes, heartbeatSeconds }),
    );
    // What is left belongs to whoever dialled and is none of the ranks.
    for (const { socket } of dialled) open.delete(socket);
    return { connections, ready: ready! };
  } catch (error) {
    processes.kill();
    // Who holds a connection is there; one that is stopped does not see it end.
    for (const { socket, who } of known) if (!socket.destroyed) processes.killRank(who.process);
    throw error;
  } finally {
    cancel();
    server.close();
    for (const socket of open) socket.destroy();
  }
};

/** Starts one worker and has it open a model. @throws as {@link startWorkers} */
export const startWorker = async (
  program: WorkerProgram,
  order: ModelOrder,
  options: Omit<StartOptions, "ranks"> = {},
): Promise<StartedWorker> => {
  let processId = 0;
  const launch: Launch = (environment) => {
    const processes = startProgram(program, environment);
    processId = processes.processId ?? 0;
    return processes;
  };
  const { connections, ready } = await startWorkers(launch, order, options);
  return { connection: connections[0]!, ready, processId };
};
