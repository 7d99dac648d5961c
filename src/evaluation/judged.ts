import { BenchmarkError, ConfigError } from "../core/errors.ts";
import type { Made } from "../core/registry.ts";
import type { Benchmark } from "./benchmarks.ts";
import type { EvaluationRecord } from "./records.ts";

/** What a benchmark needs so that its open answers can be right. */
const judgeHint = (scorer: string): string => `--scorer ${scorer}:judge=BASE_URL#MODEL`;

const settled = (
  record: EvaluationRecord,
  { scorer, part }: NonNullable<Benchmark["judgedBy"]>,
): EvaluationRecord => {
  const said = record.external?.[scorer];
  const isAnswered = record.outcome === "right" || record.outcome === "wrong" || record.outcome === "unread";
  const isJudged = record.parseRule === `judge ${scorer}`;
  if (said === undefined || !(isAnswered || isJudged)) return record;
  const value = said.values?.[part];
  const correct = value === 1;
  return {
    ...record,
    parseRule: `judge ${scorer}`,
    outcome: value === undefined ? "failed" : correct ? "right" : "wrong",
    correct,
    scoreStrict: value ?? 0,
    correctOfficial: record.correctOfficial === null ? null : correct,
    scoreOfficial: record.scoreOfficial === null ? null : (value ?? 0),
  };
};

/**
 * Records of a benchmark whose open answers another model judges, with its verdicts as what is right: accuracy,
 * comparisons and pages then mean them. Where the judge failed the answer failed, and counts as wrong.
 *
 * @throws {BenchmarkError} when an answer was never judged
 */
export const withVerdicts = (
  records: readonly EvaluationRecord[],
  { judgedBy }: Pick<Benchmark, "judgedBy">,
): readonly EvaluationRecord[] => {
  if (judgedBy === undefined) return records;
  const { scorer } = judgedBy;
  const isOpen = ({ answerKind, outcome }: EvaluationRecord): boolean =>
    answerKind === "open" && outcome !== "unscored";
  const unjudged = records.filter((record) => isOpen(record) && record.external?.[scorer] === undefined);
  if (unjudged.length > 0)
    throw new BenchmarkError("open answers that nobody judged", {
      where: records[0]!.benchmark,
      expected: judgeHint(scorer),
      got: `${unjudged.length} answers without a verdict, the first of ${unjudged[0]!.questionId}`,
    });
  return records.map((record) => (isOpen(record) ? settled(record, judgedBy) : record));
};

/**
 * Fails before anything is asked when nobody would say which open answers are right.
 *
 * @param named names of the scorers that are asked
 * @param known scorers of this and earlier calls, as they were written
 * @throws {ConfigError}
 */
export const checkJudge = (
  { value: { judgedBy }, recipe }: Made<Benchmark>,
  named: readonly string[],
  known: readonly string[],
): void => {
  if (judgedBy === undefined || named.includes(judgedBy.scorer)) return;
  if (known.some((one) => one.startsWith(`${judgedBy.scorer}:`))) return;
  throw new ConfigError("open answers that nobody judges", {
    where: `benchmark ${recipe.name}`,
    expected: judgeHint(judgedBy.scorer),
  });
};
