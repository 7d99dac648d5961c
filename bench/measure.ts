import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { BenchSide, RoundAnswer } from "./define-bench.ts";
import { statusBytes, treeBytes } from "./process-memory.ts";
import { ProcessorTime } from "./process-time.ts";

/** A process's own peak is exact whenever it is read; often enough for the sum over a tree, too seldom to cost a core. */
const millisecondsBetweenLooks = 100;

/** A running child: answers rounds and is watched for its memory. */
class Child {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: { done: (line: string) => void; fail: (error: Error) => void }[] = [];
  #peakBytes = 0;
  readonly #time: ProcessorTime | undefined;
  constructor(side: BenchSide) {
    const [program, ...args] = side.command;
    this.#process = spawn(program!, args, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...side.environment },
    });
    this.#time = this.#process.pid === undefined ? undefined : new ProcessorTime(this.#process.pid);
    this.#lines = createInterface({ input: this.#process.stdout! });
    this.#lines.on("line", (line) => this.#waiting.shift()?.done(line));
    const failAll = (why: string): void => {
      for (const { fail } of this.#waiting.splice(0)) fail(new Error(`${side.command.join(" ")}: ${why}`));
    };
    this.#process.on("error", (error) => failAll(error.message));
    this.#process.on("exit", (code, signal) => failAll(`ended with ${code ?? signal}`));
    this.#process.stdin!.on("error", () => failAll("reads no more"));
  }
  /** Notes the memory of the process and of the processes it started: the larger of its own peak and the tree's sum. */
  look(): void {
    const pid = this.#process.pid;
    if (pid === undefined) return;
    this.#time?.look();
    this.#peakBytes = Math.max(this.#peakBytes, statusBytes(pid, "VmHWM"), treeBytes(pid));
  }
  async round(): Promise<RoundAnswer & { readonly processorSeconds: number }> {
    this.look();
    const before = this.#time?.seconds ?? 0;
    // Only the side whose turn it is: looking at the idle ones would take time from it.
    const watch = setInterval(() => this.look(), millisecondsBetweenLooks);
    const line = await new Promise<string>((done, fail) => {
      this.#waiting.push({ done, fail });
      this.#process.stdin!.write("\n");
    }).finally(() => clearInterval(watch));
    this.look();
    const answer = JSON.parse(line) as RoundAnswer;
    if (typeof answer.value !== "number" || !Number.isFinite(answer.value))
      throw new Error(`a round answered ${line}`);
    return { ...answer, processorSeconds: (this.#time?.seconds ?? 0) - before };
  }
  async end(): Promise<number> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((done) => this.#process.once("exit", done));
      this.#process.stdin!.end();
      const killer = setTimeout(() => this.#process.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(killer);
    }
    return this.#peakBytes;
  }
}

/** Values of one side over its rounds. */
export interface SideMeasurement {
  readonly values: readonly number[];
  /** What each of these rounds took of the processors, on all cores and by all processes of the side; 0 where nothing tells. */
  readonly processorSeconds: readonly number[];
  /** Largest memory of the side's process tree; 0 where the system does not tell. */
  readonly peakMemoryBytes: number;
  /** What the side computed in its last round. */
  readonly result: readonly number[] | undefined;
}

/** Answers rounds of one side, in one process or in a new one each. */
class Side {
  readonly #side: BenchSide;
  readonly #values: number[] = [];
  readonly #processorSeconds: number[] = [];
  #child: Child | undefined;
  #peakBytes = 0;
  #result: readonly number[] | undefined;
  constructor(side: BenchSide) {
    this.#side = side;
  }
  async round(counts: boolean): Promise<void> {
    this.#child ??= new Child(this.#side);
    const { value, result, processorSeconds: computed } = await this.#child.round();
    if (counts) {
      this.#values.push(value);
      this.#processorSeconds.push(computed);
    }
    this.#result = result;
    if (this.#side.freshProcess === true) await this.end();
  }
  async end(): Promise<SideMeasurement> {
    const bytes = await this.#child?.end();
    this.#child = undefined;
    this.#peakBytes = Math.max(this.#peakBytes, bytes ?? 0);
    return {
      values: this.#values,
      processorSeconds: this.#processorSeconds,
      peakMemoryBytes: this.#peakBytes,
      result: this.#result,
    };
  }
}

/**
 * Runs all sides in turns, in their order and the reverse of it every other round; each side has one round before
 * that does not count.
 *
 * @returns one measurement a side, in their order
 */
export const measure = async (
  sides: readonly BenchSide[],
  rounds: number,
  onRound: (done: number) => void,
): Promise<readonly SideMeasurement[]> => {
  const running = sides.map((side) => new Side(side));
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const side of round % 2 === 0 ? running : running.toReversed()) await side.round(round > 0);
      onRound(round);
    }
  } finally {
    // A side that failed still has to end the others' processes.
    await Promise.all(running.map((side) => side.end()));
  }
  return Promise.all(running.map((side) => side.end()));
};

/** Middle value; mean of the two middle ones for an even count. @throws {RangeError} when there is none */
export const median = (values: readonly number[]): number => {
  if (values.length === 0) throw new RangeError("no value has no median");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
