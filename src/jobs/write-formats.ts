import { dirname, join } from "node:path";
import { BenchmarkError, ConfigError } from "../core/errors.ts";
import { makeFolder, writeFileAtomic } from "../core/files.ts";
import { lmmsEvalFiles, type WrittenFile } from "../evaluation/formats/lmms-eval.ts";
import { vlmEvalKitFiles } from "../evaluation/formats/vlmevalkit.ts";
import type { EvaluationRecord } from "../evaluation/records.ts";
import { readEvaluation } from "../evaluation/report/read-evaluated-run.ts";

/** Layouts in which a run's answers can be written. */
export const resultFormats = ["lmms-eval", "vlmevalkit"] as const;
/** One of {@link resultFormats}. */
export type ResultFormat = (typeof resultFormats)[number];

/** `20261128_120000` of an ISO time; "run" where a run has not ended. */
const stampOf = (endedAt: string | undefined): string =>
  endedAt?.slice(0, 19).replace(/[-:]/g, "").replace("T", "_") ?? "run";

const filesOf = (format: ResultFormat, records: readonly EvaluationRecord[], stamp: string): WrittenFile[] =>
  format === "lmms-eval" ? lmmsEvalFiles(records, stamp) : vlmEvalKitFiles(records);

/**
 * Writes the answers of a run about complete clips in another program's layout, into a folder of that name in the run,
 * one folder a subject where there are several.
 *
 * @returns the files, in order
 * @throws {BenchmarkError} for a run without answers about complete clips
 */
export const writeFormat = async (folder: string, format: string): Promise<string[]> => {
  const known = resultFormats.find((one) => one === format);
  if (known === undefined)
    throw new ConfigError("unknown layout of results", { got: format, expected: resultFormats.join(" or ") });
  const { records, journal } = await readEvaluation(folder);
  const complete = records.filter(({ intervention, draw }) => intervention.name === "complete" && draw === 0);
  const subjects = [...new Set(complete.map(({ subject }) => subject))];
  if (subjects.length === 0)
    throw new BenchmarkError("no answers about complete clips", { where: folder, expected: "one or more" });
  return subjects.flatMap((subject) => {
    const own = complete.filter((record) => record.subject === subject);
    const place = join(folder, known, subjects.length === 1 ? "" : subject.replace(/[^\w.-]+/g, "_"));
    return filesOf(known, own, stampOf(journal?.endedAt)).map(({ name, text }) => {
      const file = join(place, name);
      makeFolder(dirname(file));
      writeFileAtomic(file, text);
      return file;
    });
  });
};
