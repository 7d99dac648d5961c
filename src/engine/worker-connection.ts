import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { hostname } from "node:os";
import { EngineLostError } from "../core/errors.ts";
import { MessageReader, writeMessage } from "../core/framed-messages.ts";
import { nowMilliseconds } from "../core/progress.ts";
import type { CallOptions, EngineStatistics } from "./contract.ts";
import {
  errorFromWire,
  type FromEngineWorker,
  type ToEngineWorker,
  type WireMedia,
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

/** Patches of contents, to be sent. */
export type MediaSource = (contents: readonly string[]) => Promise<WireMedia>;

/** Calls over a socket, and what becomes of them when the other process is gone. */
export class Connection {
  readonly #socket: Socket;
  readonly #child: ChildProcess;
  readonly #reader = new MessageReader();
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #lost: string | undefined;
  #closing = false;
  #version = 0;
  readonly #counts = { calls: 0, bytesSent: 0, bytesReceived: 0, mediaBytesSent: 0, waitingSeconds: 0 };

  constructor(socket: Socket, child: ChildProcess) {
    this.#socket = socket;
    this.#child = child;
    socket.on("data", (piece: Buffer) => this.#receive(piece));
    socket.on("close", () => this.#disconnected("its connection ended"));
    socket.on("error", (error) => this.#disconnected(error.message));
    child.on("exit", (code, signal) =>
      this.#lose(
        signal === null ? `its process ended with status ${code}` : `its process was ended by ${signal}`,
      ),
    );
  }

  /** Version of the weights after the last answer. */
  get version(): number {
    return this.#version;
  }

  statistics(): EngineStatistics {
    return { ...this.#counts };
  }

  /**
   * Calls the other process.
   *
   * @param media patches that the call may need; `first` are sent with it
   * @param onAbandoned gets the result of a call that the caller no longer waits for
   * @throws {EngineLostError} when the process is gone or does not answer in time
   */
  call(
    operation: string,
    given: Readonly<Record<string, unknown>>,
    { signal, deadlineSeconds }: CallOptions = {},
    media: { readonly first: readonly string[]; readonly source: MediaSource } = {
      first: [],
      source: async () => new Map(),
    },
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
        fail(signal!.reason);
      };
      const timer =
        deadlineSeconds === undefined
          ? undefined
          : setTimeout(
              () => this.#lose(`no answer to ${operation} within ${deadlineSeconds} s`),
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

  /** Ends the other process; nothing is lost by that. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    this.#socket.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
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
    try {
      for (const message of this.#reader.push(piece)) this.#hear(message as FromEngineWorker);
    } catch (error) {
      this.#lose(String(error));
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
      waiting.resolve(message.value);
    }
  }

  /** A process that has ended says why better than its socket does, a moment later. */
  #disconnected(why: string): void {
    setTimeout(() => this.#lose(why), patienceMilliseconds);
  }

  /** The other process is no use any more: whoever waits hears why, and it is ended. */
  #lose(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = why;
    this.#socket.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null && !this.#closing)
      this.#child.kill("SIGKILL");
    this.#rejectAll();
  }

  #rejectAll(): void {
    const why = this.#closing ? "it was closed" : this.#lost!;
    for (const { operation, reject } of this.#waiting.values())
      reject(new EngineLostError({ rank: 0, host: hostname(), operation, why }));
    this.#waiting.clear();
  }
}
