import { existsSync, readdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { checkedPair, type Pair } from "../../absent/pair.ts";
import { RunError } from "../../core/errors.ts";
import { readJsonRows } from "../../core/files.ts";
import { readSamples } from "../../dataset/read.ts";
import type { Sample } from "../../dataset/sample.ts";
import { readRun, type StoredRun } from "../../runs/read-run.ts";
import { type EvaluationRecord, readRecords } from "../records.ts";
import {
  type EvaluatedRun,
  evaluatedRunFiles,
  type RunJournal,
  readEvaluatedRun,
  readJournal,
} from "./description.ts";

/** A training stage as it stands on disk. */
export interface StoredStage {
  readonly title: string;
  readonly folder: string;
  readonly run: StoredRun;
}

/** An evaluated run as it stands on disk: all that a report is made of. */
export interface StoredEvaluation {
  readonly folder: string;
  readonly description: EvaluatedRun;
  readonly journal: RunJournal | null;
  readonly stages: readonly StoredStage[];
  readonly records: readonly EvaluationRecord[];
  /** Found pairs by clip. */
  readonly pairs: ReadonlyMap<string, Pair>;
  /** Folder of the data set; null: none. */
  readonly data: string | null;
  /** Its rows that were not asked, in order; and the rows of every clip that was. */
  readonly otherRows: readonly Sample[];
  readonly askedClips: ReadonlyMap<string, readonly Sample[]>;
}

const readAllRecords = async (folder: string): Promise<EvaluationRecord[]> => {
  const place = join(folder, evaluatedRunFiles.records);
  const files = existsSync(place)
    ? readdirSync(place)
        .filter((name) => name.endsWith(".jsonl"))
        .sort()
    : [];
  const records: EvaluationRecord[] = [];
  for (const file of files) for await (const record of readRecords(join(place, file))) records.push(record);
  if (records.length === 0)
    throw new RunError("the run has no records", {
      where: place,
      expected: "one JSON line an answer in *.jsonl",
      hint: "an unfinished run writes them when it tests its stages; run its command again",
    });
  return records;
};

const readPairs = async (file: string | null): Promise<Map<string, Pair>> => {
  const pairs = new Map<string, Pair>();
  if (file === null) return pairs;
  for await (const { value, where } of readJsonRows(file)) {
    const pair = checkedPair(value, where);
    pairs.set(pair.complete.sha256, pair);
  }
  return pairs;
};

const readRows = async (
  data: string | null,
  asked: ReadonlySet<string>,
): Promise<Pick<StoredEvaluation, "otherRows" | "askedClips">> => {
  const otherRows: Sample[] = [];
  const askedClips = new Map<string, Sample[]>();
  if (data !== null)
    for await (const sample of readSamples(data)) {
      const { sha256 } = sample.clip;
      if (!asked.has(sha256)) otherRows.push(sample);
      else {
        const rows = askedClips.get(sha256);
        if (rows === undefined) askedClips.set(sha256, [sample]);
        else rows.push(sample);
      }
    }
  return { otherRows, askedClips };
};

/**
 * Reads a run folder that has answers, without touching it.
 *
 * @throws {RunError} when it is none, or has no records
 * @throws {DataFormatError} naming file and line of what is malformed
 */
export const readEvaluation = async (folder: string): Promise<StoredEvaluation> => {
  const description = readEvaluatedRun(folder);
  const records = await readAllRecords(folder);
  const place = (path: string): string => (isAbsolute(path) ? path : join(folder, path));
  const data = description.data === null ? null : place(description.data);
  const asked = new Set(records.map(({ videoId }) => videoId));
  return {
    folder,
    description,
    journal: readJournal(folder),
    stages: description.stages.map(({ folder: stage, title }) => ({
      title,
      folder: stage,
      run: readRun(place(stage)),
    })),
    records,
    pairs: await readPairs(description.pairs === null ? null : place(description.pairs)),
    data,
    ...(await readRows(data, asked)),
  };
};
