/** The processes that compute for an engine of other processes: starting them, and knowing that they are ours. */
import { randomBytes } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { hostname } from "node:os";
import { ConfigError, type EngineLoss, EngineLostError, messageOf } from "../core/errors.ts";
import { type Dialled, greet } from "./dialled-worker.ts";
import { LossSigns, mostTelling } from "./first-cause.ts";
import { type StartedProcesses, startProgram, type WorkerProgram } from "./started-processes.ts";
import { Connection } from "./worker-connection.ts";
import { type ModelOrder, type ReadyMessage, workerEnvironment } from "./worker-protocol.ts";

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

/** Shortest limit on signs of life until the model is open: libraries are loaded meanwhile, which may hold everything up. */
const openingSeconds = 60;

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
      const seen = mostTelling(
        dialled.map(({ who }) => who),
        (id) => processes.endOf(id),
      );
      if (seen !== undefined) return fail(seen.end.why, seen.one);
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

/** Has the model opened by all who have dialled. @param lost hears when some of them cannot any more, and why */
const openAll = (
  dialled: readonly Dialled[],
  order: ModelOrder,
  silentSeconds: number | undefined,
  lost: LossSigns,
): Promise<readonly ReadyMessage[]> =>
  new Promise((resolve, reject) => {
    const told: unknown[] = [];
    const ready = dialled.map(async (one) => {
      const { rank, host, process } = one.who;
      const who = { rank, host, process, operation: "open" };
      try {
        return await one.open(order, silentSeconds, (kind, why) => lost.add({ ...who, kind, why }));
      } catch (error) {
        told.push(error);
        // What all of them say is no loss; what one says may follow from the end of another one.
        if (told.length === dialled.length) reject(told[0]);
        else lost.add({ ...who, kind: "told", why: messageOf(error) });
        throw error;
      }
    });
    Promise.all(ready).then(resolve, () => {});
  });

/**
 * Starts workers and has them open a model. They dial back and end with their connections.
 *
 * @throws {WeightsError} {@link EngineError} when one cannot open the model
 * @throws {ConfigError} the same, and when nobody can dial where it is listened
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
  const { host, port } = listen ?? { host: "127.0.0.1", port: 0 };
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new ConfigError("workers cannot dial here", {
          where: `${host}:${port}`,
          got: messageOf(error),
          hint: "choose a free port of an address of this machine",
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const processes = launch({
    [workerEnvironment.host]: host,
    [workerEnvironment.port]: String((server.address() as AddressInfo).port),
    [workerEnvironment.token]: token,
  });
  const strangers: string[] = [];
  const known: Dialled[] = [];
  const { failed, cancel } = failure(processes, strangers, known, options);
  const open = new Set<Socket>();
  let signs: LossSigns | undefined;
  try {
    const dialled = await Promise.race([gather(server, ranks, token, strangers, open, known), failed]);
    const silentSeconds =
      heartbeatSeconds === undefined ? undefined : Math.max(heartbeatSeconds, openingSeconds);
    const ready = await new Promise<readonly ReadyMessage[]>((resolve, reject) => {
      signs = new LossSigns(ranks, processes, (loss) => reject(new EngineLostError(loss)));
      openAll(dialled, order, silentSeconds, signs).then(resolve, reject);
      failed.catch(reject);
    });
    const connections = dialled.map(
      ({ socket, who }) => new Connection(socket, { ...who, processes, heartbeatSeconds }),
    );
    // What is left belongs to whoever dialled and is none of the ranks.
    for (const { socket } of dialled) open.delete(socket);
    return { connections, ready: ready[0]! };
  } catch (error) {
    processes.kill();
    // Who holds a connection is there; one that is stopped does not see it end.
    for (const { socket, who } of known) if (!socket.destroyed) processes.killRank(who.process);
    throw error;
  } finally {
    cancel();
    signs?.forget();
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
