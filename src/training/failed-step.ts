/** A step that went wrong, as a file from which it can be computed again. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { batchOfStored, type StoredBatch, storedBatch } from "../batch/stored-batch.ts";
import { DataFormatError, messageOf, RunError } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import { encodeMessage, MessageReader } from "../core/framed-messages.ts";
import type { Engine } from "../engine/contract.ts";
import type { StepInputs } from "../engine/taken-steps.ts";
import { type LossChoice, makeLosses, sumOfLosses } from "../objectives/losses.ts";
import type { Run } from "../runs/run.ts";
import { failedStepFiles } from "../runs/run-folder.ts";

const schema = "videoperceiver/failed-step@1";

/** A step that went wrong. */
export interface FailedStep {
  readonly step: number;
  readonly reason: string;
  readonly inputs: readonly StepInputs[];
}

const stored = z.object({
  schema: z.literal(schema),
  step: z.number().int(),
  reason: z.string(),
  inputs: z.array(
    z.object({
      key: z.string(),
      losses: z.record(z.string(), z.record(z.string(), z.unknown())).nullable(),
      feeds: z.record(z.string(), z.custom<StepInputs["feeds"][string]>(ArrayBuffer.isView)),
      batches: z.array(z.custom<StoredBatch>((value) => typeof value === "object" && value !== null)),
    }),
  ),
});

/** Keeps a step for `debug-batch`. */
export const writeFailedStep = async (file: string, failed: FailedStep): Promise<void> => {
  const inputs = await Promise.all(
    failed.inputs.map(async ({ batches, objective, feeds }) => ({
      key: objective.key,
      losses: objective.losses ?? null,
      feeds,
      batches: await Promise.all(batches.map(storedBatch)),
    })),
  );
  writeFileAtomic(file, Buffer.concat(encodeMessage({ schema, ...failed, inputs })));
};

/** The losses of a stored objective. @throws {DataFormatError} when it was not made by name */
const objectiveOf = async (losses: LossChoice | null, key: string, file: string) => {
  if (losses === null)
    throw new DataFormatError("a failed step whose objective was not made by name", {
      where: file,
      got: key,
    });
  return sumOfLosses(await makeLosses(losses));
};

/**
 * Reads what {@link writeFailedStep} wrote.
 *
 * @throws {ConfigError} when there is no such file
 * @throws {DataFormatError} when it is none, or its losses cannot be made again
 */
export const readFailedStep = async (file: string): Promise<FailedStep> => {
  if (!existsSync(file)) throw new RunError("no such file", { where: file, expected: failedStepFiles.batch });
  const [message] = new MessageReader().push(readFileSync(file));
  const { success, data, error } = stored.safeParse(message);
  if (!success)
    throw new DataFormatError("not a failed step", { where: file, expected: schema, got: messageOf(error) });
  const inputs: StepInputs[] = [];
  for (const { key, losses, feeds, batches } of data.inputs)
    inputs.push({
      objective: await objectiveOf(losses, key, file),
      feeds,
      batches: batches.map(batchOfStored),
    });
  return { step: data.step, reason: data.reason, inputs };
};

/**
 * Ends a run: writes the step and the weights that it was computed with into the run folder.
 * @throws {RunError} always; also where they could not be written
 */
export const stopAtFailedStep = async (
  run: Pick<Run, "folder">,
  engine: Engine,
  tokenizerFolder: string,
  failed: FailedStep,
): Promise<never> => {
  const [file, weights] = [
    join(run.folder, failedStepFiles.batch),
    join(run.folder, failedStepFiles.weights),
  ];
  const what = `training stopped at step ${failed.step}: ${failed.reason}`;
  try {
    await writeFailedStep(file, failed);
    await engine.save(weights, { tokenizerFrom: tokenizerFolder });
  } catch (cause) {
    throw new RunError(what, { got: `its batches could not be saved: ${messageOf(cause)}`, cause });
  }
  throw new RunError(what, {
    where: run.folder,
    hint: `look at the step with: videoperceiver debug-batch ${file} --model ${weights}`,
  });
};
