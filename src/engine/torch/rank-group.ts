import { type EngineLoss, EngineLostError, messageOf } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import type { CallOptions, EngineStatistics } from "../contract.ts";
import { LossSigns } from "../first-cause.ts";
import { Serial } from "../serial.ts";
import type { CallMedia, Connection } from "../worker-connection.ts";
import type { WireMedia } from "../worker-protocol.ts";

/** How long ranks that work alone may take to stop once one of them has failed: a prompt is not left in the middle. */
const stoppingMilliseconds = 30_000;

/** A call of all ranks. */
export interface GroupCall {
  readonly operation: string;
  /** What each rank is given. */
  readonly given: readonly Readonly<Record<string, unknown>>[];
  readonly source: CallMedia["source"];
  /** Contents that each rank needs. */
  readonly contents: readonly (readonly string[])[];
  /** Ranks work alone once all have begun: one may refuse or be cancelled, and the others stop. */
  readonly alone: boolean;
}

/** Ends with a signal's reason as soon as that is given, whatever becomes of the work. */
const orAborted = <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
};

/**
 * All ranks of an engine. They do one call at a time, all the same one, since they wait for each other within it; a rank
 * that is lost or fails alone ends all of them, because the others would wait for ever.
 */
export class RankGroup {
  readonly #connections: readonly Connection[];
  readonly #sent: readonly Set<string>[];
  readonly #serial = new Serial();
  #loss: EngineLoss | undefined;
  readonly #signs: LossSigns;
  readonly #counts = { calls: 0, waitingSeconds: 0, computingSeconds: 0 };

  constructor(connections: readonly Connection[]) {
    this.#connections = connections;
    this.#sent = connections.map(() => new Set<string>());
    const { processes } = connections[0]!.worker;
    this.#signs = new LossSigns(connections.length, processes, (loss) => this.#end(loss));
    for (const connection of connections) connection.judgedBy((sign) => this.#signs.add(sign));
  }

  get ranks(): number {
    return this.#connections.length;
  }

  get version(): number {
    return this.#connections[0]!.version;
  }

  statistics(): EngineStatistics {
    const all = this.#connections.map((one) => one.statistics());
    const sum = (of: (one: EngineStatistics) => number): number =>
      all.reduce((total, one) => total + of(one), 0);
    return {
      ...this.#counts,
      bytesSent: sum(({ bytesSent }) => bytesSent),
      bytesReceived: sum(({ bytesReceived }) => bytesReceived),
      mediaBytesSent: sum(({ mediaBytesSent }) => mediaBytesSent),
    };
  }

  /**
   * Calls every rank.
   *
   * @returns their answers, by rank
   * @throws {EngineLostError} when one of them is gone, does not answer in time, or fails alone
   */
  call(call: GroupCall, options: CallOptions, onAbandoned: (values: unknown[]) => void): Promise<unknown[]> {
    const { signal } = options;
    signal?.throwIfAborted();
    this.#counts.calls++;
    const work = this.#serial.run(() => {
      signal?.throwIfAborted();
      return this.#all(call, options);
    });
    work.then(
      (values) => {
        if (signal?.aborted === true) onAbandoned(values);
      },
      () => {},
    );
    return orAborted(work, signal);
  }

  async close(): Promise<void> {
    this.#signs.forget();
    await Promise.all(this.#connections.map((one) => one.close()));
  }

  async #all(
    { operation, given, source, contents, alone }: GroupCall,
    options: CallOptions,
  ): Promise<unknown[]> {
    const start = nowMilliseconds();
    const before = this.#connections.map((one) => one.statistics().computingSeconds);
    const { signal, deadlineSeconds } = options;
    const others = new AbortController();
    const either = signal === undefined ? others.signal : AbortSignal.any([signal, others.signal]);
    const limits = { deadlineSeconds, ...(alone && { signal: either, waitsAnyway: true }) };
    const first = contents.map((names, rank) => names.filter((name) => !this.#sent[rank]!.has(name)));
    const media = await this.#patches(first, source);
    const answers = await Promise.allSettled(
      this.#connections.map((connection, rank) => {
        const asked = connection.call(operation, given[rank]!, limits, {
          first: first[rank]!,
          source: async (names) => {
            const isKnown = names.every((name) => media.has(name));
            const patches = isKnown ? media : await source(names);
            for (const name of names) this.#sent[rank]!.add(name);
            return new Map(names.map((name) => [name, patches.get(name)!]));
          },
        });
        return asked.catch((error: unknown) => {
          if (!alone) this.#suspect(rank, operation, error);
          else if (!either.aborted) {
            this.#suspect(rank, operation, error, stoppingMilliseconds);
            others.abort(error);
          }
          throw error;
        });
      }),
    );
    this.#signs.forget("told");
    this.#counts.waitingSeconds += (nowMilliseconds() - start) / 1000;
    this.#counts.computingSeconds += Math.max(
      ...this.#connections.map((one, rank) => one.statistics().computingSeconds - before[rank]!),
    );
    if (this.#loss !== undefined) throw new EngineLostError({ ...this.#loss, operation });
    // The others were only told to stop.
    others.signal.throwIfAborted();
    for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
    return answers.map((answer) => (answer as PromiseFulfilledResult<unknown>).value);
  }

  /** What ranks have not had yet, each content once. */
  #patches(first: readonly (readonly string[])[], source: CallMedia["source"]): Promise<WireMedia> {
    return source([...new Set(first.flat())]);
  }

  /** A rank has failed: unless all end in time or one is lost, the others wait for it, and it is the reason. */
  #suspect(rank: number, operation: string, error: unknown, milliseconds?: number): void {
    if (error instanceof EngineLostError) return;
    const { host, process } = this.#connections[rank]!.worker;
    this.#signs.add({ kind: "told", rank, host, process, operation, why: messageOf(error) }, milliseconds);
  }

  #end(loss: EngineLoss): void {
    this.#loss = loss;
    for (const connection of this.#connections) connection.lose(loss);
  }
}
