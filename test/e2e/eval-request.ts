/** How the tests of `eval` ask for an evaluation, and read what came of it. */
import { join } from "node:path";
import { silentProgress } from "../../src/core/progress.ts";
import { type EvaluationRecord, readRecords } from "../../src/evaluation/records.ts";
import type { EvalRequest } from "../../src/jobs/eval/request.ts";
import type { JobContext } from "../../src/jobs/job-context.ts";

/** A context that shows nothing. */
export const quietContext = (signal: AbortSignal = new AbortController().signal): JobContext => ({
  progress: () => silentProgress,
  signal,
  warn: () => {},
});

/** A request for the closed questions of a folder of world clips. */
export const worldRequest = (
  data: string,
  subject: string,
  out: string,
  over: Partial<EvalRequest>,
): EvalRequest => ({
  benchmark: 'world:answerKinds=["choice"]',
  data,
  subject,
  interventions: [],
  draws: 2,
  mode: "strict",
  frames: 6,
  selector: "uniform",
  metrics: [],
  scorers: [],
  seed: 0,
  out,
  retryFailed: false,
  rotateOptions: false,
  engine: { threads: 1 },
  clips: { decoder: "auto", cache: false, cacheSize: 0 },
  ...over,
});

/** The records of a run. */
export const recordsOf = async (run: string): Promise<EvaluationRecord[]> => {
  const records: EvaluationRecord[] = [];
  for await (const record of readRecords(join(run, "evaluation", "records.jsonl"))) records.push(record);
  return records;
};
