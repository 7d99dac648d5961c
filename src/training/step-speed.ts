/** How fast a loop goes: numbers by the clock, which no two runs share. */
import { usedLengths } from "../batch/token-batch.ts";
import { nowMilliseconds } from "../core/progress.ts";
import type { Engine, EngineStatistics } from "../engine/contract.ts";
import type { StepInputs } from "../engine/taken-steps.ts";
import { clockPrefix } from "../runs/run-folder.ts";

/** What a loop knows of its own time. */
export interface LoopClocks {
  /** How long it has waited for data so far; left out: whenever the engine has nothing to do. */
  readonly waitedSeconds?: () => number;
  /** How long another program has computed for it so far. */
  readonly elsewhereSeconds?: () => number;
}

/** Measures one step after the other. */
export class StepSpeed {
  readonly #engine: Pick<Engine, "statistics">;
  readonly #clocks: LoopClocks;
  readonly #began = nowMilliseconds();
  #steps = 0;
  #start = 0;
  #before: EngineStatistics | undefined;
  #waited = 0;
  #elsewhere = 0;

  constructor(engine: Pick<Engine, "statistics">, clocks: LoopClocks) {
    this.#engine = engine;
    this.#clocks = clocks;
  }

  /** A step begins. */
  start(): void {
    this.#start = nowMilliseconds();
    this.#before = this.#engine.statistics();
    this.#waited = this.#clocks.waitedSeconds?.() ?? 0;
    this.#elsewhere = this.#clocks.elsewhereSeconds?.() ?? 0;
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
    const { waitedSeconds, elsewhereSeconds } = this.#clocks;
    const elsewhere = elsewhereSeconds === undefined ? 0 : elsewhereSeconds() - this.#elsewhere;
    const waited = waitedSeconds === undefined ? seconds - busy - elsewhere : waitedSeconds() - this.#waited;
    const own = seconds - waited - elsewhere - since("computingSeconds");
    const share = (part: number): number => Math.min(1, Math.max(0, part / seconds));
    const batches = inputs.flatMap((one) => one.batches);
    const tokens = batches.reduce((sum, batch) => sum + usedLengths(batch).reduce((a, b) => a + b, 0), 0);
    const samples = batches.reduce((sum, batch) => sum + batch.samples, 0);
    const numbers = {
      seconds,
      tokensPerSecond: tokens / seconds,
      samplesPerSecond: samples / seconds,
      waitingShare: share(waited),
      // What is neither computing the model nor waiting for data: losses, cutting and joining, messages.
      controllerShare: share(own),
      ...(elsewhereSeconds !== undefined && { elsewhereShare: share(elsewhere) }),
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
