import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, VideoPerceiverError } from "../core/errors.ts";
import { makeFolder, readJsonFile, sha256, writeFileAtomic } from "../core/files.ts";
import type { Progress } from "../core/progress.ts";
import { saidText } from "./metrics.ts";
import type { EvaluationRecord } from "./records.ts";
import type { Scorer, ScorerItem, ScorerVerdict } from "./scorer.ts";

/** What a scorer said about one answer; a record keeps it under the scorer's name. */
export interface ExternalScore {
  readonly version: string;
  /** Its numbers by part; none where it failed. */
  readonly values: Readonly<Record<string, number>> | null;
  readonly error?: string;
}

/** A number that a scorer gave a record; null where it gave none. */
export const externalValue = (record: EvaluationRecord, scorer: string, part: string): number | null =>
  record.external?.[scorer]?.values?.[part] ?? null;

const numbers = z.record(z.string(), z.number());

/** Verdicts on the disk, by scorer, version and texts. */
class KeptVerdicts {
  readonly #folder: string | undefined;
  readonly #scorer: Scorer;
  constructor(folder: string | undefined, scorer: Scorer) {
    this.#folder = folder;
    this.#scorer = scorer;
    if (folder !== undefined) makeFolder(folder);
  }
  #file({ candidate, reference, questionId }: ScorerItem): string | undefined {
    const { name, version } = this.#scorer;
    const asked = [name, version, candidate, reference, questionId];
    return this.#folder && join(this.#folder, `${sha256(JSON.stringify(asked))}.json`);
  }
  get(item: ScorerItem): Readonly<Record<string, number>> | undefined {
    const file = this.#file(item);
    if (file === undefined || !existsSync(file)) return undefined;
    try {
      const { data } = numbers.safeParse(readJsonFile(file));
      return data !== undefined && this.#scorer.parts.every((part) => part in data) ? data : undefined;
    } catch {
      return undefined;
    }
  }
  put(item: ScorerItem, verdict: ScorerVerdict): void {
    const file = this.#file(item);
    if (file !== undefined && !("failure" in verdict)) writeFileAtomic(file, JSON.stringify(verdict));
  }
}

/** What scoring took, and what it could not do. */
export interface ExternalScoring {
  readonly records: readonly EvaluationRecord[];
  /** Texts that were sent, that were known, and that have no number. */
  readonly asked: number;
  readonly known: number;
  readonly failed: number;
  readonly firstFailure: string | null;
}

/** Around the scoring of records. */
export interface ScoringMeans {
  /** Where verdicts are kept by content; left out: nowhere. */
  readonly folder?: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

const isScored = ({ answerKind, outcome }: EvaluationRecord): boolean =>
  answerKind === "open" && outcome !== "unscored";

/** Open answers without a number of a scorer that others of the records have numbers of, by the scorer's name. */
export const withoutNumbers = (records: readonly EvaluationRecord[]): ReadonlyMap<string, number> => {
  const open = records.filter(isScored);
  const names = new Set(open.flatMap(({ external }) => Object.keys(external ?? {})));
  const lacking = [...names].map(
    (name) => [name, open.filter(({ external }) => !external?.[name]?.values).length] as const,
  );
  return new Map(lacking.filter(([, count]) => count > 0));
};

const itemOf = (record: EvaluationRecord): ScorerItem => ({
  questionId: record.questionId,
  candidate: saidText(record).trim(),
  reference: record.gold ?? "",
});

/** Verdicts of a batch; what fails as a whole is a failure of each. */
const verdictsOf = async (
  scorer: Scorer,
  items: readonly ScorerItem[],
  signal: AbortSignal,
): Promise<readonly ScorerVerdict[]> => {
  try {
    return await scorer.score(items, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof VideoPerceiverError)) throw error;
    return items.map(() => ({ failure: messageOf(error) }));
  }
};

/**
 * Asks a scorer about every open answer once and writes what it says into the records. Equal texts of one question are
 * sent once; an answer that is missing or empty is not sent; what failed stays without a number.
 */
export const addExternalScores = async (
  records: readonly EvaluationRecord[],
  scorer: Scorer,
  { folder, signal, progress }: ScoringMeans,
): Promise<ExternalScoring> => {
  const { version, name, batchSize, missing } = scorer;
  const kept = new KeptVerdicts(folder, scorer);
  const keyOf = (item: ScorerItem): string => JSON.stringify(item);
  const wanted = new Map<string, ScorerItem>();
  const verdicts = new Map<string, ScorerVerdict>();
  for (const record of records) {
    const item = itemOf(record);
    if (!isScored(record) || item.candidate === "") continue;
    wanted.set(keyOf(item), item);
    const before = record.external?.[name];
    if (before?.version === version && before.values) verdicts.set(keyOf(item), before.values);
  }
  for (const [key, item] of wanted) {
    const before = verdicts.has(key) ? undefined : kept.get(item);
    if (before !== undefined) verdicts.set(key, before);
  }
  const known = verdicts.size;
  const open = [...wanted].filter(([key]) => !verdicts.has(key));
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < open.length) {
      signal.throwIfAborted();
      const batch = open.slice(next, next + batchSize);
      next += batch.length;
      const said = await verdictsOf(
        scorer,
        batch.map(([, item]) => item),
        signal,
      );
      batch.forEach(([key, item], at) => {
        verdicts.set(key, said[at]!);
        kept.put(item, said[at]!);
      });
      progress.update(verdicts.size - known, open.length, name);
    }
  };
  await Promise.all(Array.from({ length: scorer.concurrency }, lane));
  const scoreOf = (record: EvaluationRecord): ExternalScore => {
    const verdict = verdicts.get(keyOf(itemOf(record)));
    if (verdict === undefined) return { version, values: missing };
    return "failure" in verdict
      ? { version, values: null, error: String(verdict.failure) }
      : { version, values: verdict };
  };
  const failures = [...verdicts.values()].flatMap((one) => ("failure" in one ? [String(one.failure)] : []));
  return {
    records: records.map((record) =>
      isScored(record) ? { ...record, external: { ...record.external, [name]: scoreOf(record) } } : record,
    ),
    asked: open.length,
    known,
    failed: failures.length,
    firstFailure: failures[0] ?? null,
  };
};
