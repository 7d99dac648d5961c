/** How fast a machine computes: by its maker's data sheet, or as `engine rates` measured it there. */
import { z } from "zod";
import { ConfigError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import { hostCosts, type StepLoad } from "./step-load.ts";

/** One GPU. */
export interface Accelerator {
  /** Dense bfloat16 operations a second at most. */
  readonly operationsPerSecond: number;
  /** Of its memory. */
  readonly bytesPerSecond: number;
}

/** By the data sheets of its maker, without sparsity. */
export const accelerators: Readonly<Record<string, Accelerator>> = {
  a100: { operationsPerSecond: 312e12, bytesPerSecond: 2.0e12 },
  h100: { operationsPerSecond: 989e12, bytesPerSecond: 3.35e12 },
  h200: { operationsPerSecond: 989e12, bytesPerSecond: 4.8e12 },
  l40s: { operationsPerSecond: 362e12, bytesPerSecond: 0.86e12 },
};

const positive = z.number().positive();
const schema: z.ZodType<MeasuredRates> = z.strictObject({
  format: z.literal("videoperceiver-rates 1"),
  machine: z.string(),
  engine: z.string(),
  date: z.string(),
  operationsPerSecond: positive,
  bytesPerSecond: positive,
  storedBytesPerSecond: positive,
  secondsPerCall: positive,
  overlaps: z.boolean(),
  keepsScores: z.boolean(),
  processBytes: z.number().min(0),
  measured: z.array(
    z.strictObject({
      name: z.string(),
      seconds: positive,
      expectedSeconds: positive,
      peakBytes: z.number().nullable(),
    }),
  ),
});

/** What a machine does in a second, of everything that a step asks for. */
export interface MachineRates extends Accelerator {
  /** Of weights, gradients, moments, keys and values: long rows of numbers, that a core reads faster than what it computes with. */
  readonly storedBytesPerSecond: number;
  /** Until one block of the language model is called for a drawn token, with all that its host does for it. */
  readonly secondsPerCall: number;
  /** The host goes on while the device computes; else one waits for the other. */
  readonly overlaps: boolean;
  /** Attention writes its scores down instead of computing them piece by piece. */
  readonly keepsScores: boolean;
  /** Bytes of a process before anything is in it. */
  readonly processBytes: number;
}

/** Rates that were measured, as a file holds them. */
export interface MeasuredRates extends MachineRates {
  readonly format: typeof ratesFormat;
  readonly machine: string;
  readonly engine: string;
  /** Day, as 2026-11-30. */
  readonly date: string;
  /** The steps that the rates were found by. */
  readonly measured: readonly {
    readonly name: string;
    readonly seconds: number;
    /** By the rates. */
    readonly expectedSeconds: number;
    /** Null: nobody counted it. */
    readonly peakBytes: number | null;
  }[];
}

/** Format of that file. */
export const ratesFormat = "videoperceiver-rates 1" as const;

/** A block as a host calls it: 0.85 ms on one core of docs/scale.md's machine; nobody measured a GPU's host. */
const assumedCall = 8.5e-4;

/**
 * Rates of a GPU by its data sheet.
 *
 * @param utilisation share of the sheet's operations that products reach, and of its bytes that everything between them does
 * @throws {ConfigError} for one that is not known
 */
export const sheetRates = (gpu: string, utilisation: number): MachineRates => {
  const sheet = accelerators[gpu];
  if (sheet === undefined)
    throw new ConfigError("a GPU of which no rate is known", {
      expected: `${Object.keys(accelerators).join(", ")}, or --rates FILE of one that was measured`,
      got: gpu,
    });
  return {
    operationsPerSecond: sheet.operationsPerSecond * utilisation,
    bytesPerSecond: sheet.bytesPerSecond * utilisation,
    storedBytesPerSecond: sheet.bytesPerSecond * utilisation,
    secondsPerCall: assumedCall,
    overlaps: true,
    keepsScores: false,
    processBytes: 1.5e9,
  };
};

/** Reads rates that were measured. @throws {ConfigError} for a file of another kind */
export const readRates = (file: string): MeasuredRates => {
  const parsed = schema.safeParse(readJsonFile(file));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConfigError("no rates of a machine", {
    where: file,
    expected: "what `videoperceiver engine rates torch --out FILE` writes",
    got: `${issue!.path.join(".") || "the file"}: ${issue!.message}`,
  });
};

/** Seconds that something takes. */
export const secondsOf = (load: StepLoad, rates: MachineRates): number => {
  const device =
    load.operations / rates.operationsPerSecond +
    load.bytes / rates.bytesPerSecond +
    load.storedBytes / rates.storedBytesPerSecond;
  const calls = load.calls * rates.secondsPerCall;
  // What the host turns over itself is there before the device has anything to do.
  const before = (load.hostNumbers / hostCosts.numbersPerCall) * rates.secondsPerCall;
  return before + (rates.overlaps ? Math.max(device, calls) : device + calls);
};
