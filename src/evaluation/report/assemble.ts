import { messageOf, VideoPerceiverError } from "../../core/errors.ts";
import type { FrameSource } from "../../frames/read-frames.ts";
import type { TableGroup } from "../benchmarks.ts";
import { underOfficialRule } from "../judge.ts";
import type { NamedMetric } from "../metrics.ts";
import { type EvaluationRecord, gradesOpenAnswers, scoredRecords } from "../records.ts";
import { reportSkills } from "./baselines.ts";
import { breakdownOf } from "./breakdown.ts";
import { chooseExamples, countKinds, exampleCandidates } from "./choose-examples.ts";
import { stageCurves } from "./curves.ts";
import type { EvaluatedRun, ReportedControl } from "./description.ts";
import { exampleOf } from "./example-pictures.ts";
import { contrastChecks, eventResults } from "./method.ts";
import type { ControlDifference, ExamplePair, ExampleSet, ReportModel, ReportProvenance } from "./model.ts";
import type { StoredEvaluation } from "./read-evaluated-run.ts";
import { type KnownSetting, stageSettings } from "./settings.ts";
import { compareRows, type RowSelection, resultRow, rowDifference } from "./summarise.ts";

/** What a report is made of besides the run's folder. */
export interface ReportMeans {
  readonly metrics: readonly NamedMetric[];
  /** The table of the benchmark's paper. */
  readonly table?: readonly TableGroup[] | undefined;
  /** Values whose origin is known. */
  readonly settings: readonly KnownSetting[];
  /** Gives the pictures of examples. */
  readonly frames: FrameSource;
  readonly signal: AbortSignal;
}

const noteOf = (row: EvaluatedRun["rows"][number], { stages }: StoredEvaluation): string => {
  const stage = stages.find(({ folder }) => folder === row.stage);
  if (row.complete === "blind") return "asked without the clip";
  const last = stage?.run.metrics.at(-1);
  return last === undefined
    ? ""
    : `${last.step.toLocaleString("en-US")} steps, ${(last.timeSeconds / 60).toFixed(1)} min`;
};

const selections = (stored: StoredEvaluation): RowSelection[] =>
  stored.description.rows.map((row) => ({
    name: row.name,
    note: noteOf(row, stored),
    subject: row.subject,
    complete: row.complete,
    absent: row.absent,
    randomRemoval: row.control,
  }));

/** Chosen examples with their pictures, and those whose clip could not be read. */
const examplesOf = async (
  stored: StoredEvaluation,
  records: readonly EvaluationRecord[],
  subject: string,
  { frames, signal }: ReportMeans,
): Promise<{ readonly set: ExampleSet | null; readonly leftOut: ReportProvenance["leftOut"] }> => {
  const candidates = exampleCandidates(records, subject);
  if (candidates.length === 0) return { set: null, leftOut: [] };
  const pairs: ExamplePair[] = [];
  const leftOut: ReportProvenance["leftOut"][number][] = [];
  // Answers that were only read from a file know no frames, so there is nothing to show.
  const shown = candidates.filter(({ complete }) => complete.frameIndices.length > 0);
  for (const candidate of chooseExamples(shown, stored.description.seed))
    try {
      pairs.push(await exampleOf(candidate, { ...stored, records }, frames, signal));
    } catch (error) {
      if (!(error instanceof VideoPerceiverError)) throw error;
      leftOut.push({ what: `example ${candidate.complete.questionId}`, count: 1, reason: messageOf(error) });
    }
  return { set: { subject, counts: countKinds(candidates), pairs }, leftOut };
};

const factsOf = (stored: StoredEvaluation): ReportProvenance["facts"] => {
  const { description, records, otherRows, journal } = stored;
  const trained = new Set(otherRows.map(({ clip }) => clip.sha256)).size;
  const asked = new Set(records.map(({ videoId }) => videoId)).size;
  const first = records[0]!;
  const { name, params } = first.framePolicy;
  const values = Object.entries(params).map(([key, value]) => `${key} ${String(value)}`);
  return [
    { name: "seed", value: String(description.seed) },
    {
      name: "clips",
      value: `${trained > 0 ? `${trained.toLocaleString("en-US")} for training, ` : ""}${asked.toLocaleString("en-US")} held out`,
    },
    {
      name: "benchmark",
      value: `${first.benchmark}${first.split === null ? "" : `, part "${first.split}"`}, version ${first.benchmarkVersion.slice(0, 12)}`,
    },
    ...(first.frameIndices.length === 0
      ? []
      : [{ name: "frames", value: `${first.frameIndices.length} a clip (${[name, ...values].join(", ")})` }]),
    ...(journal?.facts ?? []),
    ...(journal?.seconds ?? []).map((part) => ({
      name: `time: ${part.name}`,
      value: `${part.value.toFixed(0)} s`,
    })),
  ];
};

/** Controls whose three rows are there and share questions. */
const controlDifferences = (
  records: readonly EvaluationRecord[],
  rows: ReadonlyMap<string, RowSelection>,
  controls: readonly ReportedControl[],
): ControlDifference[] =>
  controls.flatMap(({ of, control, from }) => {
    const [real, shadow, start] = [rows.get(of), rows.get(control), rows.get(from)];
    if (real === undefined || shadow === undefined || start === undefined) return [];
    const gain = rowDifference(records, real, start);
    const controlGain = rowDifference(records, shadow, start);
    const excess = rowDifference(records, real, shadow);
    if (gain === null || controlGain === null || excess === null) return [];
    return [{ of, control, from, gain, controlGain, excess }];
  });

/** Everything that the page shows, from a run's folder alone. */
export const assembleReport = async (stored: StoredEvaluation, means: ReportMeans): Promise<ReportModel> => {
  const { description, stages, journal } = stored;
  const strict = scoredRecords(stored.records);
  const records = description.scoring === "strict" ? strict : strict.map(underOfficialRule);
  const skills = reportSkills(records, stored.otherRows);
  const rows = selections(stored);
  const byName = new Map(rows.map((row) => [row.name, row]));
  const main = byName.get(description.mainRow);
  const blind = description.blindRow === null ? undefined : byName.get(description.blindRow);
  const pairs = description.comparisons.flatMap(([of, against]) => {
    const [a, b] = [byName.get(of), byName.get(against)];
    return a === undefined || b === undefined ? [] : [[a, b] as const];
  });
  const examples = await examplesOf(stored, records, main?.subject ?? "", means);
  return {
    title: description.title,
    summary: description.summary,
    madeAt: journal?.endedAt ?? null,
    skills,
    ...(means.table && { table: means.table }),
    breakdown: breakdownOf(records, rows),
    rows: rows.map((row) =>
      resultRow(
        records,
        row,
        skills.map(({ name }) => name),
        means.metrics,
      ),
    ),
    // Without a metric to compare open answers with their references, none right is an accuracy of 0.
    isGraded:
      means.metrics.length === 0 ||
      records.some(({ answerKind }) => answerKind !== "open") ||
      gradesOpenAnswers(records),
    mainRow: description.mainRow,
    blindRow: description.blindRow,
    seeing: main === undefined || blind === undefined ? null : rowDifference(records, main, blind),
    differences: compareRows(records, pairs, description.seed),
    controls: controlDifferences(records, byName, description.controls ?? []),
    // Without training there is no method that could have bought anything.
    events: eventResults(stored, records, rows, stages.length === 0 ? [] : pairs),
    contrast: contrastChecks(stored),
    curves: stageCurves(stages),
    examples: examples.set,
    provenance: {
      facts: factsOf(stored),
      settings: stageSettings(stages, means.settings),
      leftOut: [...(journal?.leftOut ?? []), ...examples.leftOut],
      versions: journal?.versions ?? [],
      machine: journal?.machine ?? [],
      configuration: description.configuration,
      command: description.command,
    },
  };
};
