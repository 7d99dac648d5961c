/** The other end of a new connection: whether it is a worker of ours, and what it says until its model is open. */
import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { hostname } from "node:os";
import { MessageReader, writeMessage } from "../core/framed-messages.ts";
import type { LossSign } from "./first-cause.ts";
import {
  errorFromWire,
  type FromEngineWorker,
  type ModelOrder,
  type ReadyMessage,
  type ToEngineWorker,
  type WorkerIdentity,
} from "./worker-protocol.ts";

/** A sign of life is asked for this often within the time that it may take. */
const beatsPerLimit = 4;

const isToken = (given: string, token: string): boolean =>
  given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));

/** A worker that has shown its token, and what it says before its model is open. */
export class Dialled {
  readonly who: WorkerIdentity;
  readonly socket: Socket;
  readonly #reader: MessageReader;
  #receive: ((piece: Buffer) => void) | undefined;

  constructor(socket: Socket, who: WorkerIdentity, reader: MessageReader) {
    this.socket = socket;
    this.who = who;
    this.#reader = reader;
  }

  /**
   * Orders the model.
   *
   * @param silentSeconds longest time without a sign of life
   * @param notice gets signs that it is lost; then nothing more comes
   * @returns what it says when the model is open
   * @throws what it says when it cannot be opened
   */
  open(
    order: ModelOrder,
    silentSeconds: number | undefined,
    notice: (kind: LossSign["kind"], why: string) => void,
  ): Promise<ReadyMessage> {
    return new Promise((resolve, reject) => {
      const onClose = (): void => notice("connection", "its process ended before the model was open");
      let unanswered = 0;
      const beat = (): void => {
        if (this.socket.destroyed) clearInterval(heart);
        else if (unanswered >= beatsPerLimit)
          notice("silent", `no sign of life of process ${this.who.process} for ${silentSeconds} s`);
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
            if (message.kind !== "ready" && message.kind !== "error") continue;
            clearInterval(heart);
            this.socket.removeListener("close", onClose);
            this.socket.removeListener("data", this.#receive!);
            if (message.kind === "ready") resolve(message);
            else reject(errorFromWire(message.error));
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
export const greet = (socket: Socket, token: string): Promise<Dialled | undefined> =>
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
