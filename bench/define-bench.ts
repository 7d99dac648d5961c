/**
 * A benchmark compares one of our programs with an anchor (or several), all as long-lived child processes that take
 * turns: ours, anchor, anchor, ours, ... A child reads one line per round from standard input, does the work of that round
 * and answers with one line of JSON (`bench/answer-rounds.ts` and `scripts/bench/answer_rounds.py` do that part).
 */

/** What a benchmark may use. */
export interface BenchContext {
  /** The repository's root. */
  readonly root: string;
  /** A folder for inputs that are kept between runs; git ignores it. */
  readonly cache: string;
  /** The Python interpreter of `.venv-oracle`; made when missing. Only there when the benchmark asks for it. */
  readonly python: string;
  /** Threads that each side may use. */
  readonly threads: number;
}

/** What a child answers to one round. */
export interface RoundAnswer {
  /** The measured value, in the benchmark's unit. */
  readonly value: number;
  /** Numbers that both sides must agree on; compared by `error`. */
  readonly result?: readonly number[];
}

/** A program that answers rounds. */
export interface BenchSide {
  /** Program and arguments. A `.ts` file is run as `[process.execPath, file, ...]`. */
  readonly command: readonly string[];
  /** Environment variables besides the parent's. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts a new process for every round, for programs whose start is part of the work. */
  readonly freshProcess?: boolean;
}

/** The program that ours is compared with. */
export interface AnchorSide extends BenchSide {
  readonly name: string;
  /** Version of the library that does the work. */
  readonly version: string;
}

/** What the machine allows at best, in the benchmark's unit. */
export interface BenchLimit {
  /** What it is and how it was found, e.g. "99 GFLOP at 180 GFLOP/s (product of 1024 x 1024 matrices)". */
  readonly what: string;
  readonly value: number;
}

/** One benchmark; its file `bench/<name>.ts` has it as default export. */
export interface BenchDefinition {
  /** The file's name without `.ts`. */
  readonly name: string;
  /** Unit of the values: "ms", "s", "clips/min", ... */
  readonly unit: string;
  /** One line for the list. */
  readonly summary: string;
  /** Whether less (a time) or more (a rate) is better; the ratio is above 1 when ours is better. */
  readonly better: "less" | "more";
  /** True when a side needs the Python environment. */
  readonly needsPython: boolean;
  /** Measured rounds when `--rounds` says nothing. Each side first has one round that does not count. */
  readonly rounds: number;
  /** Makes inputs that both sides read, before anything is measured. */
  readonly prepare?: (context: BenchContext) => Promise<void>;
  readonly ours: (context: BenchContext) => BenchSide;
  readonly anchor: (context: BenchContext) => AnchorSide;
  /** More programs that take their turns in the same run; each is reported with its own ratio. */
  readonly otherAnchors?: (context: BenchContext) => readonly AnchorSide[];
  /** What the machine allows at best; measured after the rounds. */
  readonly limit?: (context: BenchContext) => Promise<BenchLimit>;
  /** What the largest difference of the two sides' `result` is called, e.g. "relative to the largest gradient". */
  readonly error?: string;
}

/** Declares a benchmark. */
export const defineBench = (definition: BenchDefinition): BenchDefinition => definition;
