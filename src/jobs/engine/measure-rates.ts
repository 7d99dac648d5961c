/** How fast the engine torch computes on this machine, as `plan --rates` reads it. */
import { cpus } from "node:os";
import { isoTime } from "../../core/clock.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { chosenPython } from "../../engine/python-environment.ts";
import type { JobContext } from "../job-context.ts";
import { type MachineRates, type MeasuredRates, ratesFormat, sheetRates } from "../train/machine-rates.ts";
import { deviceOf } from "./doctor.ts";
import { fitRates, secondsOfAll } from "./fit-rates.ts";
import { rateStepsOf } from "./rate-steps.ts";
import { type TimedStep, timeStep } from "./time-step.ts";

/** What is measured. */
export interface RatesRequest {
  /** Interpreter; default: that of `engine install torch`. */
  readonly python?: string | undefined;
  readonly threads: number;
  /** File that the rates are written to. */
  readonly out: string;
  /** Names of the steps that are timed; default: all. */
  readonly only?: readonly string[] | undefined;
}

/** A core to begin the search at. */
const someCore: MachineRates = {
  ...{ operationsPerSecond: 1e11, bytesPerSecond: 7e9, secondsPerCall: 1e-3, storedBytesPerSecond: 1e10 },
  ...{ overlaps: false, keepsScores: false, processBytes: 6e8 },
};

/**
 * Times a few short steps of small models, finds the rates that explain them, and writes both.
 *
 * @throws {ConfigError} when there is no Python environment
 * @throws {EngineError} when a step fails
 */
export const measureRates = async (
  { python, threads, out, only }: RatesRequest,
  context: JobContext,
): Promise<MeasuredRates> => {
  const command = chosenPython(python);
  const device = await deviceOf(command, context.signal);
  const isOnGpu = !device.startsWith("cpu");
  const steps = rateStepsOf(isOnGpu).filter(({ name }) => only?.includes(name) !== false);
  // As `plan` supposes it: bfloat16 over float32 masters, blocks computed again.
  const engine = `torch:python=${command},compute=bfloat16,recompute=true`;
  const progress = context.progress("rates", "steps");
  const timed: TimedStep[] = [];
  for (const step of steps) {
    context.signal.throwIfAborted();
    progress.update(timed.length, steps.length, step.name);
    timed.push(await timeStep(step, engine, threads, isOnGpu));
  }
  progress.update(steps.length, steps.length);
  const start = isOnGpu ? sheetRates("a100", 0.6) : someCore;
  // What is stored is read and written as fast as the largest update was, beside its calls.
  const largest = timed.reduce((most, one) =>
    one.update.storedBytes > most.update.storedBytes ? one : most,
  );
  const storedBytesPerSecond = largest.update.storedBytes / largest.updateSeconds;
  const fitted = fitRates(timed, { ...start, storedBytesPerSecond });
  // The steps are small: what they took beside what is planned of them is the process.
  const own = timed.flatMap(({ peakBytes, plannedBytes }) =>
    peakBytes === null ? [] : [peakBytes - plannedBytes],
  );
  const usual = own.sort((a, b) => a - b)[own.length >> 1];
  const rates: MeasuredRates = {
    format: ratesFormat,
    machine: isOnGpu ? device : `${threads} x ${cpus()[0]?.model.trim() ?? "a processor"}`,
    engine: "torch:compute=bfloat16,recompute=true",
    date: isoTime().slice(0, 10),
    operationsPerSecond: fitted.operationsPerSecond,
    bytesPerSecond: fitted.bytesPerSecond,
    storedBytesPerSecond,
    secondsPerCall: fitted.secondsPerCall,
    overlaps: fitted.overlaps,
    keepsScores: fitted.keepsScores,
    processBytes: usual === undefined ? start.processBytes : Math.max(0, usual),
    measured: timed.map(({ name, seconds, loads, peakBytes }) => ({
      name,
      seconds,
      expectedSeconds: secondsOfAll(loads, fitted),
      peakBytes,
    })),
  };
  writeFileAtomic(out, `${JSON.stringify(rates, null, 1)}\n`);
  return rates;
};
