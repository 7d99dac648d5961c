/** Processes that were started to compute: one, or a launcher that holds a group of them. */
import { type ChildProcess, spawn } from "node:child_process";

/** How a process has ended. */
export interface ProcessEnd {
  /** Its name; undefined when it ended by itself, or was never there. */
  readonly signal?: string;
  readonly status?: number;
  readonly why: string;
}

/** What is known of processes that compute, and how they are ended. */
export interface StartedProcesses {
  /** Tells when they have ended without being asked to, and how; also when that was before. */
  onEnd(tell: (end: ProcessEnd) => void): void;
  /** How one process of a group has ended, as far as its launcher has said. */
  endOf(processId: number): ProcessEnd | undefined;
  /** What they said last, in words. */
  lastLine(): string | undefined;
  /** Ends all of them at once. */
  kill(): void;
  /** Ends one process of a group of this machine that is known to be there, also one that is stopped. */
  killRank(processId: number): void;
  /** Waits until they have ended, which they are about to; after a while they are killed. */
  end(): Promise<void>;
  /** Of this machine: the process that was started. */
  readonly processId: number | undefined;
}

/** A program, and what it says. */
export interface WorkerProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** "kept": what it writes to standard error is not shown; its last line is said when it ends too early. */
  readonly errors: "shown" | "kept";
  /** How long its end is waited for once nobody needs it any more; then it is killed. Default 5000. */
  readonly patienceMilliseconds?: number;
  /** Asked to end it ends what it holds elsewhere; killed only when it has not ended by itself after its patience. */
  readonly tidies?: boolean;
}

/** Most characters of standard error that are kept. */
const keptText = 8000;

/** How long the end of a process waits for the end of what it says. */
const drainMilliseconds = 300;

const signalNames: Readonly<Record<number, string>> = {
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

const bySignal = (signal: string): ProcessEnd => ({ signal, why: `its process was ended by ${signal}` });
const byStatus = (status: number): ProcessEnd => ({ status, why: `its process ended with status ${status}` });

/** @param code as Python says it: the negative of a signal's number, or a status */
const endOfCode = (code: number): ProcessEnd =>
  code < 0 ? bySignal(signalNames[-code] ?? `signal ${-code}`) : byStatus(code);

/** A program of this machine, which may be the launcher of a group. */
class StartedProgram implements StartedProcesses {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #end: ProcessEnd | undefined;
  #tellers: ((end: ProcessEnd) => void)[] = [];
  #said = "";
  readonly #patience: number;
  readonly #tidies: boolean;

  constructor(program: WorkerProgram, more: Readonly<Record<string, string>>) {
    const { command, args, env = {}, errors, patienceMilliseconds = 5000, tidies = false } = program;
    this.#patience = patienceMilliseconds;
    this.#tidies = tidies;
    this.#child = spawn(command, args, {
      stdio: ["ignore", "ignore", errors === "shown" ? "inherit" : "pipe"],
      env: { ...process.env, ...env, ...more },
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
      this.#said = (this.#said + piece).slice(-keptText);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#tell({ why: `${command} cannot be started: ${error.message}` });
        resolve();
      });
      this.#child.once("exit", (code, signal) => {
        const tell = (): void => {
          this.#tell(signal === null ? byStatus(code ?? 0) : bySignal(signal));
          resolve();
        };
        // What it said last may still be on its way; processes of its own may hold the other end for longer.
        const timer = setTimeout(tell, drainMilliseconds);
        this.#child.once("close", () => {
          clearTimeout(timer);
          tell();
        });
      });
    });
  }

  get processId(): number | undefined {
    return this.#child.pid;
  }

  onEnd(tell: (end: ProcessEnd) => void): void {
    if (this.#end === undefined) this.#tellers.push(tell);
    else tell(this.#end);
  }

  endOf(processId: number): ProcessEnd | undefined {
    // torchrun: "failed (exitcode: -9) local_rank: 1 (pid: 4711) of binary" at once, "exitcode  : -9 (pid: 4711)" at its end.
    const found = new RegExp(`exitcode\\s*: (-?\\d+)\\)?[^()]*\\(pid: ${processId}\\)`).exec(this.#said);
    if (found !== null) return endOfCode(Number(found[1]));
    // Ours under Ray, which knows of no signals: "rank 1 ended (pid: 4711): The actor died unexpectedly".
    const said = new RegExp(`ended \\(pid: ${processId}\\): (.*)`).exec(this.#said)?.[1];
    return said === undefined ? undefined : { why: `its process ended: ${said}` };
  }

  lastLine(): string | undefined {
    // The first that torchrun saw end by a signal: what follows says less, and one that has not dialled is known by nothing else.
    const [, code, rank, processId] =
      /exitcode: (-\d+)\) local_rank: (\d+) \(pid: (\d+)\)/.exec(this.#said) ?? [];
    if (code !== undefined) return `rank ${rank}, process ${processId}: ${endOfCode(Number(code)).why}`;
    return this.#said
      .split("\n")
      .map((line) => line.trim())
      .findLast((line) => /\p{Letter}/u.test(line));
  }

  kill(): void {
    if (!this.#tidies) this.#killNow();
    else if (this.#isThere()) {
      this.#child.kill("SIGTERM");
      setTimeout(() => this.#killNow(), this.#patience).unref();
    }
  }

  killRank(processId: number): void {
    // What a cluster started it ends itself; its ids may be those of another machine.
    if (this.#tidies || processId <= 1 || processId === process.pid) return;
    try {
      process.kill(processId, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }

  #isThere(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #killNow(): void {
    if (this.#isThere()) this.#child.kill("SIGKILL");
  }

  async end(): Promise<void> {
    const timer = setTimeout(() => this.#killNow(), this.#patience);
    await this.#ended;
    clearTimeout(timer);
  }

  #tell(end: ProcessEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const tell of this.#tellers) tell(end);
    this.#tellers = [];
  }
}

/** Starts a program. @param environment what it is told besides its own */
export const startProgram = (
  program: WorkerProgram,
  environment: Readonly<Record<string, string>>,
): StartedProcesses => new StartedProgram(program, environment);
