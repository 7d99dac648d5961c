/** The page of a training run. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readJsonFile, writeFileAtomic } from "../../core/files.ts";
import { evaluatedRunFiles } from "../../evaluation/report/description.ts";
import { readAnswers, readRollouts, readRun, type StoredRun } from "../../runs/read-run.ts";
import { failedStepFiles, runFiles } from "../../runs/run-folder.ts";
import { readFailedStep } from "../../training/failed-step.ts";
import { renderTraining } from "./page.ts";

/** True for the folder of a training run: it logs metrics and has no records of an evaluation. */
export const isTrainingRun = (folder: string): boolean =>
  existsSync(join(folder, runFiles.metrics)) &&
  existsSync(join(folder, runFiles.config)) &&
  !existsSync(join(folder, evaluatedRunFiles.records));

/** What stopped the run; nothing when it has gone on since. */
const failureOf = async (folder: string, { metrics }: StoredRun): Promise<string | undefined> => {
  const file = join(folder, failedStepFiles.batch);
  if (!existsSync(file)) return undefined;
  const { step, reason } = await readFailedStep(file);
  if ((metrics.at(-1)?.step ?? 0) >= step) return undefined;
  return `Step ${step}: ${reason}. Its batches are in ${failedStepFiles.batch}; videoperceiver debug-batch computes it again.`;
};

/**
 * Makes `report.html` of a training run's folder from what it logged, and from nothing else. The run may still go on.
 *
 * @returns the page's file
 * @throws {DataFormatError} naming file and line of what is malformed
 */
export const trainingReport = async (folder: string): Promise<string> => {
  const environment = join(folder, runFiles.environment);
  const run = readRun(folder);
  const page = renderTraining({
    run,
    answers: readAnswers(folder),
    rollouts: readRollouts(folder),
    environment: existsSync(environment)
      ? (readJsonFile(environment) as Readonly<Record<string, string>>)
      : {},
    failure: await failureOf(folder, run),
  });
  const file = join(folder, runFiles.report);
  writeFileAtomic(file, page);
  return file;
};
