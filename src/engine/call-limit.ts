import { EngineError } from "../core/errors.ts";
import { nowMilliseconds } from "../core/progress.ts";
import type { CallOptions } from "./contract.ts";

/** Signal and deadline of one call, asked between pieces of its work. */
export class CallLimit {
  readonly #operation: string;
  readonly #signal: AbortSignal | undefined;
  readonly #seconds: number | undefined;
  readonly #start = nowMilliseconds();

  constructor(operation: string, { signal, deadlineSeconds }: CallOptions = {}) {
    this.#operation = operation;
    this.#signal = signal;
    this.#seconds = deadlineSeconds;
  }

  /** @throws the signal's reason when it is aborted, an {@link EngineError} behind the deadline */
  check(): void {
    this.#signal?.throwIfAborted();
    if (this.#seconds === undefined) return;
    const passed = (nowMilliseconds() - this.#start) / 1000;
    if (passed > this.#seconds)
      throw new EngineError("a call took longer than it may", {
        where: this.#operation,
        expected: `at most ${this.#seconds} s`,
        got: `${passed.toFixed(1)} s and not done`,
      });
  }
}
