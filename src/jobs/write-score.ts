import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { makeFolder } from "../core/files.ts";
import { shellWords } from "../core/shell-words.ts";
import { LineFile } from "../dataset/write.ts";
import { writeRecord } from "../evaluation/records.ts";
import {
  type EvaluatedRun,
  evaluatedRunFiles,
  evaluatedRunSchema,
  writeEvaluatedRun,
} from "../evaluation/report/description.ts";
import type { JobContext } from "./job-context.ts";
import { type ReportResult, report } from "./report.ts";
import type { ScoreResult, ScoringRequest } from "./score.ts";

const commandOf = (
  { benchmark, annotations, predictions, mode, split, metrics = [], scorers = [] }: ScoringRequest,
  folder: string,
): string =>
  shellWords([
    ...["npx", "videoperceiver", "score", benchmark, "--annotations", annotations],
    ...["--predictions", predictions, "--mode", mode],
    ...(split === undefined ? [] : ["--split", split]),
    ...(metrics.length === 0 ? [] : ["--metric", ...metrics]),
    ...scorers.flatMap((scorer) => ["--scorer", scorer]),
    ...["--out", folder],
  ]);

/** What was scored, as the run that a report is made of: one row, and a blind one where the file has such answers. */
const describe = (folder: string, request: ScoringRequest, result: ScoreResult): EvaluatedRun => {
  const { benchmark, subject, mode, split, intervention, views } = result;
  const names = new Set(views.map((view) => view.intervention));
  const blindRow = names.has("blind") ? `${subject}, blind` : null;
  const bare = { subject, absent: null, control: null, stage: null };
  const hasData = existsSync(join(request.annotations, "dataset.json"));
  return {
    schema: evaluatedRunSchema,
    title: `${subject} on ${benchmark}`,
    summary: `Answers of a prediction file to ${benchmark}${split === null ? "" : `, part "${split}"`}, ${mode} scoring.`,
    command: commandOf(request, folder),
    seed: 1,
    scoring: mode,
    data: hasData ? relative(folder, resolve(request.annotations)) : null,
    pairs: null,
    stages: [],
    rows: [
      ...(blindRow === null ? [] : [{ ...bare, name: blindRow, complete: "blind" }]),
      {
        ...bare,
        name: subject,
        complete: intervention,
        absent: names.has("absent") ? "absent" : null,
        control: names.has("random-removal") ? "random-removal" : null,
      },
    ],
    mainRow: subject,
    blindRow,
    comparisons: [],
    configuration: { ...request, metrics: [...(request.metrics ?? []), ...result.scorerMetrics] },
  };
};

/**
 * Writes what was scored as a run folder: configuration, records, report.
 *
 * @throws {RunError} when the folder holds another run
 */
export const writeScore = async (
  folder: string,
  request: ScoringRequest,
  result: ScoreResult,
  context: JobContext,
): Promise<ReportResult> => {
  const place = join(folder, evaluatedRunFiles.records);
  makeFolder(place);
  writeEvaluatedRun(folder, describe(folder, request, result));
  const file = new LineFile(join(place, "records.jsonl"));
  for (const record of result.records) file.add(writeRecord(record));
  file.close();
  return await report(folder, context);
};
