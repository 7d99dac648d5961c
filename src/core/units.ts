import { ConfigError } from "./errors.ts";

declare const unit: unique symbol;
/** A number with a unit that the compiler checks; nothing at run time. Arithmetic gives back a plain number. */
export type Quantity<U extends string> = number & { readonly [unit]: U };
/** Time in seconds, measured from the first presented frame unless said otherwise. */
export type Seconds = Quantity<"seconds">;
/** 0-based position of a frame in presentation order. */
export type FrameIndex = Quantity<"frame index">;
/** Frames per second. */
export type FramesPerSecond = Quantity<"frames per second">;

/** A stretch of time in seconds from the first frame, half open; `startSeconds <= endSeconds`. */
export interface TimeSpan {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** A finite number as seconds. @throws {ConfigError} when not finite */
export const seconds = (value: number): Seconds => {
  if (!Number.isFinite(value))
    throw new ConfigError("not a time", { expected: "finite seconds", got: String(value) });
  return value as Seconds;
};

/** A non-negative integer as a frame index. @throws {ConfigError} otherwise */
export const frameIndex = (value: number): FrameIndex => {
  if (!Number.isInteger(value) || value < 0)
    throw new ConfigError("not a frame index", { expected: "an integer >= 0", got: String(value) });
  return value as FrameIndex;
};

/** A positive finite rate. @throws {ConfigError} otherwise */
export const framesPerSecond = (value: number): FramesPerSecond => {
  if (!(value > 0) || !Number.isFinite(value))
    throw new ConfigError("not a frame rate", { expected: "a number > 0", got: String(value) });
  return value as FramesPerSecond;
};
