import { expect } from "vitest";
import type { TokenBatch } from "../../src/batch/token-batch.ts";
import { EngineLostError } from "../../src/core/errors.ts";
import type { Engine } from "../../src/engine/contract.ts";

/** Calls an engine, part of which was just ended or stopped, until it is lost, and expects the line that says so. */
export const expectLost = async (engine: Engine, batch: TokenBatch, line: RegExp): Promise<void> => {
  let failed: unknown;
  // The kernel takes a moment to end the ranks of a killed launcher.
  for (let i = 0; i < 500 && failed === undefined; i++)
    failed = await engine.forward([batch]).then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(failed).toBeInstanceOf(EngineLostError);
  expect((failed as Error).message).toMatch(line);
  await engine[Symbol.asyncDispose]();
};
