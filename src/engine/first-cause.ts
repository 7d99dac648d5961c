/** Which of the signs that several processes are lost came first in truth, whatever was heard first. */
import type { EngineLoss } from "../core/errors.ts";
import type { ProcessEnd, StartedProcesses } from "./started-processes.ts";

/** What was noticed, and of which rank. */
export interface LossSign {
  /**
   * "silent": no answer to heartbeats; "connection": it ended; "launcher": whoever started the ranks has ended; "late": a
   * call's time is over; "told": a rank said so itself; "broken": it sent what is no message.
   */
  readonly kind: "silent" | "connection" | "launcher" | "late" | "told" | "broken";
  readonly rank: number;
  readonly host: string;
  /** Its process there. */
  readonly process: number;
  readonly operation: string;
  readonly why: string;
}

/** What the launcher of the ranks has said by now. */
export interface LauncherWords {
  /** How it has ended itself, if it has. */
  readonly end: ProcessEnd | undefined;
  /** What it said last. */
  readonly lastLine: string | undefined;
  /** How the process of a rank has ended. */
  endOf(process: number): ProcessEnd | undefined;
}

/** How much an end tells, best last: an end by SIGTERM is what launchers do to ranks that are left. */
const weightOf = ({ signal, status }: ProcessEnd): number => {
  if (signal === undefined) return status === 0 ? 0 : 1;
  return signal === "SIGTERM" ? 2 : 3;
};

/** Of several processes the one whose end tells most, as far as a launcher has seen any end badly; of equal ones the first. */
export const mostTelling = <T extends { readonly process: number }>(
  all: readonly T[],
  endOf: (process: number) => ProcessEnd | undefined,
): { readonly one: T; readonly end: ProcessEnd } | undefined =>
  all
    .flatMap((one) => {
      const end = endOf(one.process);
      return end === undefined || weightOf(end) === 0 ? [] : [{ one, end }];
    })
    .sort((a, b) => weightOf(b.end) - weightOf(a.end))[0];

/**
 * The first cause among signs. A rank that the launcher has seen end comes before all, one ended by a signal first; then a
 * launcher that was killed, since its ranks end with it; then a rank that is silent; then, while the launcher is there, the
 * rank whose connection ended before the others'. Of equal ones the one that was noticed first. A launcher that has ended
 * and names no rank is told in its own words; so is a time that is over for all ranks alike.
 *
 * @param signs at least one, in the order in which they were noticed
 * @param ranks how many there are
 */
export const firstCause = (
  signs: readonly LossSign[],
  ranks: number,
  { end, lastLine, endOf }: LauncherWords,
): EngineLoss => {
  const first = signs[0]!;
  const of = (kind: LossSign["kind"]): LossSign | undefined => signs.find((sign) => sign.kind === kind);
  const ofRank = ({ rank, host, operation, why }: LossSign, reason = why): EngineLoss => ({
    rank,
    host,
    operation,
    why: reason,
  });
  const ofAll = (why: string): EngineLoss => ({ ranks, host: first.host, operation: first.operation, why });

  const seen = mostTelling(
    signs.filter(({ kind }) => kind !== "launcher"),
    endOf,
  );
  if (seen !== undefined) return ofRank(seen.one, seen.end.why);
  if (end?.signal !== undefined) return ofAll(`their launcher: ${end.why}`);
  const silent = of("silent") ?? of("broken");
  if (silent !== undefined) return ofRank(silent);
  if (end !== undefined)
    return ofAll(`their launcher: ${end.why}${lastLine === undefined ? "" : ` (${lastLine})`}`);
  const ended = of("connection");
  if (ended !== undefined) return ofRank(ended);
  const late = signs.filter(({ kind }) => kind === "late");
  if (late.length === ranks && ranks > 1) return ofAll(first.why);
  return ofRank(late[0] ?? first);
};

/**
 * How long a sign waits for a better one, in milliseconds. What a rank says waits for one that has ended, or for the same
 * error of all; the end of a connection for the launcher, which looks after its ranks ten times a second and ends the others
 * first; the end of the launcher, and of a call's time, for what is on its way.
 */
const patience: Readonly<Record<LossSign["kind"], number>> = {
  told: 1500,
  connection: 3000,
  launcher: 200,
  late: 200,
  silent: 0,
  broken: 0,
};

/** Signs that a group of ranks is lost, until it is known which is the first cause. */
export class LossSigns {
  readonly #ranks: number;
  readonly #processes: StartedProcesses;
  readonly #tell: (loss: EngineLoss) => void;
  readonly #signs = new Map<LossSign, NodeJS.Timeout>();
  #end: ProcessEnd | undefined;
  #isTold = false;

  /** @param tell gets the first cause, once */
  constructor(ranks: number, processes: StartedProcesses, tell: (loss: EngineLoss) => void) {
    this.#ranks = ranks;
    this.#processes = processes;
    this.#tell = tell;
    processes.onEnd((end) => {
      this.#end = end;
    });
  }

  /** @param milliseconds how long it waits for a better one */
  add(sign: LossSign, milliseconds: number = patience[sign.kind]): void {
    const isKnown = [...this.#signs.keys()].some(
      ({ kind, rank }) => kind === sign.kind && rank === sign.rank,
    );
    if (this.#isTold || isKnown) return;
    this.#signs.set(
      sign,
      setTimeout(() => this.#judge(), milliseconds),
    );
  }

  /** Signs that turned out to be none. @param kind undefined: all */
  forget(kind?: LossSign["kind"]): void {
    for (const [sign, timer] of [...this.#signs]) {
      if (kind !== undefined && sign.kind !== kind) continue;
      clearTimeout(timer);
      this.#signs.delete(sign);
    }
  }

  #judge(): void {
    const processes = this.#processes;
    const words = {
      end: this.#end,
      lastLine: processes.lastLine(),
      endOf: (id: number) => processes.endOf(id),
    };
    const loss = firstCause([...this.#signs.keys()], this.#ranks, words);
    this.#isTold = true;
    this.forget();
    this.#tell(loss);
  }
}
