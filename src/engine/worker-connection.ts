import type { Socket } from "node:net";
import { type EngineLoss, EngineLostError } from "../core/errors.ts";
import { MessageReader, writeMessage } from "../core/framed-messages.ts";
import { nowMilliseconds } from "../core/progress.ts";
import type { CallOptions, EngineStatistics } from "./contract.ts";
import type { LossSign } from "./first-cause.ts";
import type { StartedProcesses } from "./started-processes.ts";
import {
  errorFromWire,
  type FromEngineWorker,
  type ToEngineWorker,
  type WireMedia,
  type WorkerIdentity,
} from "./worker-protocol.ts";

/** A call that waits for its answer. */
interface Waiting {
  readonly operation: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Sends the call again, with these contents. */
  readonly sendAgain: (contents: readonly string[]) => void;
}

/** How long the end of a connection waits for the end of its process. */
const patienceMilliseconds = 500;
/** A heartbeat is asked for this often within the time that it may take. */
const beatsPerLimit = 4;

/** Patches of contents, to be sent. */
export type MediaSource = (contents: readonly string[]) => Promise<WireMedia>;

/** Patches that a call may need; `first` are sent with it. */
export interface CallMedia {
  readonly first: readonly string[];
  readonly source: MediaSource;
}

/** How a call is waited for. */
export interface ConnectionCallOptions extends CallOptions {
  /** A signal is told to the other process, and its answer waited for all the same. */
  readonly waitsAnyway?: boolean;
}

/** Who does the calls of an engine that computes elsewhere. */
export interface Caller {
  /** Version of the weights after the last answer. */
  readonly version: number;
  /**
   * Calls the other process.
   *
   * @param onAbandoned gets the result of a call that the caller no longer waits for
   * @throws {EngineLostError} when the process is gone or does not answer in time
   */
  call(
    operation: string,
    given: Readonly<Record<string, unknown>>,
    options?: CallOptions,
    media?: CallMedia,
    onAbandoned?: (value: unknown) => void,
  ): Promise<unknown>;
  statistics(): EngineStatistics;
  /** Ends the other process; nothing is lost by that. */
  close(): Promise<void>;
}

/** Who is at the other end of a connection, and how long it may be silent. */
export interface ConnectedWorker extends WorkerIdentity {
  readonly processes: StartedProcesses;
  /** Longest time without a sign of life; undefined: it gives none. */
  readonly heartbeatSeconds?: number | undefined;
}

const noMedia: CallMedia = { first: [], source: async () => new Map() };

/** Calls over a socket, and what becomes of them when the other process is gone. */
export class Connection implements Caller {
  readonly worker: ConnectedWorker;
  readonly #socket: Socket;
  readonly #reader = new MessageReader();
  readonly #waiting = new Map<number, Waiting>();
  readonly #heartbeat: NodeJS.Timeout | undefined;
  /** Beats that were asked for since the last sign of life. */
  #unanswered = 0;
  #next = 0;
  #lost: EngineLoss | undefined;
  #closing = false;
  #version = 0;
  #judge: ((sign: LossSign) => void) | undefined;
  readonly #counts = {
    calls: 0,
    bytesSent: 0,
    bytesReceived: 0,
    mediaBytesSent: 0,
    waitingSeconds: 0,
    computingSeconds: 0,
  };

  constructor(socket: Socket, worker: ConnectedWorker) {
    this.#socket = socket;
    this.worker = worker;
    socket.on("data", (piece: Buffer) => this.#receive(piece));
    socket.on("close", () => this.#disconnected("its connection ended"));
    socket.on("error", (error) => this.#disconnected(error.message));
    worker.processes.onEnd(({ why }) => this.#notice("launcher", why));
    const { heartbeatSeconds } = worker;
    if (heartbeatSeconds === undefined) return;
    this.#heartbeat = setInterval(() => this.#beat(), (heartbeatSeconds * 1000) / beatsPerLimit);
    this.#heartbeat.unref();
  }

  get version(): number {
    return this.#version;
  }

  statistics(): EngineStatistics {
    return { ...this.#counts };
  }

  /** Has somebody else judge, who hears of other ranks too: signs are told, and only {@link lose} ends the connection. */
  judgedBy(judge: (sign: LossSign) => void): void {
    this.#judge = judge;
  }

  call(
    operation: string,
    given: Readonly<Record<string, unknown>>,
    { signal, deadlineSeconds, waitsAnyway = false }: ConnectionCallOptions = {},
    media: CallMedia = noMedia,
    onAbandoned: (value: unknown) => void = () => {},
  ): Promise<unknown> {
    signal?.throwIfAborted();
    const id = this.#next++;
    const start = nowMilliseconds();
    this.#counts.calls++;
    return new Promise<unknown>((resolve, reject) => {
      let isOver = false;
      const end = (finish: () => void): void => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#counts.waitingSeconds += (nowMilliseconds() - start) / 1000;
        finish();
      };
      const fail = (error: unknown): void => end(() => reject(error));
      const onAbort = (): void => {
        this.#send({ kind: "cancel", id });
        if (!waitsAnyway) fail(signal!.reason);
      };
      const timer =
        deadlineSeconds === undefined
          ? undefined
          : setTimeout(
              () => this.#notice("late", `no answer to ${operation} within ${deadlineSeconds} s`),
              deadlineSeconds * 1000,
            );
      signal?.addEventListener("abort", onAbort);
      const sendAgain = (contents: readonly string[]): void => {
        media
          .source(contents)
          .then((patches) => this.#sendCall(id, operation, given, patches))
          .catch((error) => {
            this.#waiting.delete(id);
            fail(error);
          });
      };
      this.#waiting.set(id, {
        operation,
        resolve: (value) => (isOver ? onAbandoned(value) : end(() => resolve(value))),
        reject: fail,
        sendAgain,
      });
      if (this.#lost !== undefined) this.#rejectAll();
      else sendAgain(media.first);
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#heartbeat);
    this.#socket.end();
    await this.worker.processes.end();
  }

  /** The other process is no use any more: whoever waits hears why, and it is ended. @param loss of another one */
  lose(loss: EngineLoss): void {
    if (this.#lost !== undefined) return;
    this.#lost = loss;
    clearInterval(this.#heartbeat);
    const { processes, process } = this.worker;
    // Who holds a connection is there; one that is stopped does not see it end.
    const isThere = !this.#socket.destroyed;
    this.#socket.destroy();
    if (!this.#closing) {
      processes.kill();
      if (isThere) processes.killRank(process);
    }
    this.#rejectAll();
  }

  #notice(kind: LossSign["kind"], why: string): void {
    const { rank, host, process } = this.worker;
    const operation = this.#waiting.values().next().value?.operation ?? "between calls";
    if (this.#closing || this.#judge === undefined) this.lose({ rank, host, operation, why });
    else if (this.#lost === undefined) this.#judge({ kind, rank, host, process, operation, why });
  }

  #beat(): void {
    // Counted in beats, not by the clock: while this process was busy it has not listened either.
    if (this.#unanswered >= beatsPerLimit)
      this.#notice(
        "silent",
        `no sign of life of process ${this.worker.process} for ${this.worker.heartbeatSeconds} s`,
      );
    else {
      this.#unanswered++;
      this.#send({ kind: "ping" });
    }
  }

  #sendCall(id: number, operation: string, given: Readonly<Record<string, unknown>>, media: WireMedia): void {
    for (const patches of media.values()) this.#counts.mediaBytesSent += patches.byteLength;
    this.#send({ kind: "call", id, operation, given, media });
  }

  #send(message: ToEngineWorker): void {
    if (this.#lost !== undefined || this.#closing) return;
    this.#counts.bytesSent += writeMessage(this.#socket, message);
  }

  #receive(piece: Buffer): void {
    this.#counts.bytesReceived += piece.length;
    this.#unanswered = 0;
    try {
      for (const message of this.#reader.push(piece)) this.#hear(message as FromEngineWorker);
    } catch (error) {
      this.#notice("broken", String(error));
    }
  }

  #hear(message: FromEngineWorker): void {
    if (message.kind !== "result" && message.kind !== "error" && message.kind !== "missing") return;
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if (message.kind === "missing") {
      waiting.sendAgain(message.contents);
      return;
    }
    this.#waiting.delete(message.id!);
    if (message.kind === "error") waiting.reject(errorFromWire(message.error));
    else {
      this.#version = message.version;
      this.#counts.computingSeconds += message.seconds ?? 0;
      waiting.resolve(message.value);
    }
  }

  /** A process that has ended says why better than its socket does, a moment later. */
  #disconnected(why: string): void {
    if (this.#judge === undefined) setTimeout(() => this.#notice("connection", why), patienceMilliseconds);
    else this.#notice("connection", why);
  }

  #rejectAll(): void {
    const { worker } = this;
    for (const { operation, reject } of this.#waiting.values()) {
      const closed = { rank: worker.rank, host: worker.host, why: "it was closed" };
      reject(new EngineLostError({ ...(this.#closing ? closed : this.#lost!), operation }));
    }
    this.#waiting.clear();
  }
}
