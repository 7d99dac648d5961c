/**
 * The error tree. A user error says what, where, expected, got and what to do in one line; the command line prints
 * that line and exits 2. Everything else is a fault of ours: it exits 70 with its stack.
 */

/** What an error may say besides its headline; every field ends up in the one line that is printed. */
export interface ErrorDetail {
  /** File, field, tensor, frame or flag that the error is about. */
  readonly where?: string;
  /** What would have been right. */
  readonly expected?: string;
  /** What was there instead. */
  readonly got?: string;
  /** What the person can do about it. */
  readonly hint?: string;
  /** The lower error that led here. */
  readonly cause?: unknown;
}

/** Joins a headline and its details into one line. */
const oneLine = (what: string, detail: ErrorDetail): string => {
  const parts = [detail.where === undefined ? what : `${what}: ${detail.where}`];
  if (detail.expected !== undefined) parts.push(`expected ${detail.expected}`);
  if (detail.got !== undefined) parts.push(`got ${detail.got}`);
  if (detail.hint !== undefined) parts.push(detail.hint);
  return parts.join("; ").replace(/\s*\n\s*/g, " ");
};

/** Base of every error that a person can act on. Caught only by `cli/` and by code that records a failed item. */
export class VideoPerceiverError extends Error {
  /** Stable name of the kind of error, for programs. */
  readonly code: string;
  /** The parts the message was made of. */
  readonly detail: ErrorDetail;
  constructor(code: string, what: string, detail: ErrorDetail = {}) {
    super(oneLine(what, detail), detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.code = code;
    this.detail = detail;
  }
}

/** A flag, option or configuration value that cannot be used. Thrown wherever user values are checked. */
export class ConfigError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("config", what, detail);
  }
}

/** A name that no registry knows; carries the known names. */
export class UnknownNameError extends VideoPerceiverError {
  /** Every name that would have been accepted. */
  readonly known: readonly string[];
  constructor(kind: string, name: string, known: readonly string[], nearest: string | undefined) {
    super("unknown-name", `unknown ${kind} "${name}"`, {
      hint: `${nearest === undefined ? "" : `did you mean "${nearest}"? `}known: ${known.join(", ")}`,
    });
    this.known = known;
  }
}

/** A video that cannot be opened, decoded or written. Callers over many clips drop, count and name the clip. */
export class VideoError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("video", what, detail);
  }
}

/** Something this decoder, provider or back end cannot do; caught to try the next one. */
export class UnsupportedError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("unsupported", what, detail);
  }
}

/** A file whose content is not of its format; names file, line or field. */
export class DataFormatError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("data-format", what, detail);
  }
}

/** Shapes that do not fit together. */
export class ShapeError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("shape", what, detail);
  }
}

/** Weights that are missing, unexpected, mis-shaped or of another model. */
export class WeightsError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("weights", what, detail);
  }
}

/** The compute engine could not do what it was asked. */
export class EngineError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("engine", what, detail);
  }
}

/** A pass whose weights have been updated since: its gradient would be of other weights than its outputs. */
export class StalePassError extends EngineError {}

/** Where and in which call an engine was lost. */
export interface EngineLoss {
  /** Which of its processes, counted from 0; undefined: not one of them alone. */
  readonly rank?: number;
  /** How many there are, where it is not one alone. */
  readonly ranks?: number;
  readonly host: string;
  /** The call that was waiting: `forward`, `update`, ... */
  readonly operation: string;
  readonly why: string;
}

/** An engine that cannot be used any more: a process of it ended or gave no answer. Resume from a checkpoint. */
export class EngineLostError extends EngineError {
  readonly loss: EngineLoss;
  constructor(loss: EngineLoss, cause?: unknown) {
    super("the engine was lost", {
      where: `${loss.rank === undefined ? `${loss.ranks} ranks` : `rank ${loss.rank}`} on ${loss.host}, ${loss.operation}`,
      got: loss.why,
      hint: "resume from the last checkpoint",
      ...(cause === undefined ? {} : { cause }),
    });
    this.loss = loss;
  }
}

/** A run folder that cannot be written, read or resumed. */
export class RunError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("run", what, detail);
  }
}

/** A benchmark, subject or intervention that cannot be evaluated. */
export class BenchmarkError extends VideoPerceiverError {
  constructor(what: string, detail?: ErrorDetail) {
    super("benchmark", what, detail);
  }
}

/** A broken promise of our own code; never a user's fault. Exits 70. */
export class InternalError extends Error {
  constructor(message: string) {
    super(`internal: ${message}`);
    this.name = "InternalError";
  }
}

/** A process of this program that cannot start: no clip is at fault, and none may be refused for it. Exits 70. */
export class StartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StartError";
  }
}

/** Throws an {@link InternalError} when one of our own invariants does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
