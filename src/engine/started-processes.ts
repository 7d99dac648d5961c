/** Processes that were started to compute: one, or a launcher that holds a group of them. */
import { type ChildProcess, spawn } from "node:child_process";

/** What is known of processes that compute, and how they are ended. */
export interface StartedProcesses {
  /** Tells when they have ended without being asked to, and why; also when that was before. */
  onEnd(tell: (why: string) => void): void;
  /** Why one process of a group has ended, as far as its launcher has said. */
  reasonOf(processId: number): string | undefined;
  /** What they said last. */
  lastLine(): string | undefined;
  /** Ends all of them at once. */
  kill(): void;
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

/** @param code as Python says it: the negative of a signal's number, or a status */
const reason = (code: number): string =>
  code < 0
    ? `its process was ended by ${signalNames[-code] ?? `signal ${-code}`}`
    : `its process ended with status ${code}`;

/** A program of this machine, which may be the launcher of a group. */
class StartedProgram implements StartedProcesses {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #why: string | undefined;
  #tellers: ((why: string) => void)[] = [];
  #said = "";
  readonly #patience: number;

  constructor(program: WorkerProgram, more: Readonly<Record<string, string>>) {
    const { command, args, env = {}, errors, patienceMilliseconds = 5000 } = program;
    this.#patience = patienceMilliseconds;
    this.#child = spawn(command, args, {
      stdio: ["ignore", "ignore", errors === "shown" ? "inherit" : "pipe"],
      env: { ...process.env, ...env, ...more },
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
      this.#said = (this.#said + piece).slice(-keptText);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#tell(`${command} cannot be started: ${error.message}`);
        resolve();
      });
      this.#child.once("exit", (code, signal) => {
        const tell = (): void => {
          this.#tell(
            signal === null ? `its process ended with status ${code}` : `its process was ended by ${signal}`,
          );
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

  onEnd(tell: (why: string) => void): void {
    if (this.#why === undefined) this.#tellers.push(tell);
    else tell(this.#why);
  }

  reasonOf(processId: number): string | undefined {
    // torchrun: "failed (exitcode: -9) local_rank: 1 (pid: 4711) of binary".
    const found = new RegExp(`exitcode: (-?\\d+)\\)[^(]*\\(pid: ${processId}\\)`).exec(this.#said);
    return found === null ? undefined : reason(Number(found[1]));
  }

  lastLine(): string | undefined {
    return this.#said.trim().split("\n").at(-1) || undefined;
  }

  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }

  async end(): Promise<void> {
    const timer = setTimeout(() => this.kill(), this.#patience);
    await this.#ended;
    clearTimeout(timer);
  }

  #tell(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    for (const tell of this.#tellers) tell(why);
    this.#tellers = [];
  }
}

/** Starts a program. @param environment what it is told besides its own */
export const startProgram = (
  program: WorkerProgram,
  environment: Readonly<Record<string, string>>,
): StartedProcesses => new StartedProgram(program, environment);
