/** How fast a loop goes: numbers by the clock, which no two runs share. */
import { usedLengths } from "../batch/token-batch.ts";
import { nowMilliseconds } from "../core/progress.ts";
import type { Engine, EngineStatistics } from "../engine/contract.ts";
import type { StepInputs } from "../engine/taken-steps.ts";
import { clockPrefix } from "../runs/run-folder.ts";

/** Measures one step after the other. */
export class StepSpeed {
  readonly #engine: Engine;
  readonly #waitedSeconds: (() => number) | undefined;
  readonly #began = nowMilliseconds();
  #steps = 0;
  #start = 0;
  #before: EngineStatistics | undefined;
  #waited = 0;

  /** @param waitedSeconds how long the loop has waited for data so far; left out: whenever the engine has nothing to do */
  constructor(engine: Engine, waitedSeconds: (() => number) | undefined) {
    this.#engine = engine;
    this.#waitedSeconds = waitedSeconds;
  }

  /** A step begins. */
  start(): void {
    this.#start = nowMilliseconds();
    this.#before = this.#engine.statistics();
    this.#waited = this.#waitedSeconds?.() ?? 0;
  }

  /**
   * A step is done.
   *
   * @param inputs what its gradients were computed of
   * @param left steps that are to come
   */
  end(inputs: readonly StepInputs[], left: number): Record<string, number> {
    this.#steps++;
    const now = nowMilliseconds();
    const seconds = Math.max((now - this.#start) / 1000, 1e-6);
    const after = this.#engine.statistics();
    const since = (what: keyof EngineStatistics): number => after[what] - (this.#before?.[what] ?? 0);
    const busy = since("waitingSeconds");
    const waited = this.#waitedSeconds === undefined ? seconds - busy : this.#waitedSeconds() - this.#waited;
    const batches = inputs.flatMap((one) => one.batches);
    const tokens = batches.reduce((sum, batch) => sum + usedLengths(batch).reduce((a, b) => a + b, 0), 0);
    const samples = batches.reduce((sum, batch) => sum + batch.samples, 0);
    const numbers = {
      seconds,
      tokensPerSecond: tokens / seconds,
      samplesPerSecond: samples / seconds,
      waitingShare: Math.min(1, Math.max(0, waited / seconds)),
      // What is neither computing the model nor waiting for data: losses, cutting and joining, messages.
      controllerShare: Math.min(1, Math.max(0, (seconds - waited - since("computingSeconds")) / seconds)),
      ...(after.bytesSent > 0 && {
        sentMiB: since("bytesSent") / 2 ** 20,
        receivedMiB: since("bytesReceived") / 2 ** 20,
      }),
      peakMemoryMiB: process.resourceUsage().maxRSS / 1024,
      secondsLeft: (left * (now - this.#began)) / 1000 / this.#steps,
    };
    return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [clockPrefix + name, value]));
  }
}
