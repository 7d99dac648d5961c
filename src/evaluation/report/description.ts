import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { DataFormatError, RunError } from "../../core/errors.ts";
import { readJsonFile, writeFileAtomic } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";

/** Version of the two files below. */
export const evaluatedRunSchema = "videoperceiver/evaluated-run@1";

/** What stands where in a run folder that has answers. */
export const evaluatedRunFiles = {
  config: "config.json",
  journal: "journal.json",
  records: "evaluation",
  report: "report.html",
} as const;

export interface ReportedRow {
  readonly name: string;
  /** Subject of the records. */
  readonly subject: string;
  /** Intervention that stands for the complete clip; the blind row says "blind". */
  readonly complete: string;
  /** Interventions of the twin and of its control; null: the row has none. */
  readonly absent: string | null;
  readonly control: string | null;
  /** Folder of the training stage that made the subject; null: none. */
  readonly stage: string | null;
}

/** A row, the row that was trained like it under a control, and the row that both were trained from. */
export interface ReportedControl {
  readonly of: string;
  readonly control: string;
  readonly from: string;
}

/** `config.json` of a run whose answers can be reported: complete and resolved, written before anything runs. */
export interface EvaluatedRun {
  readonly schema: typeof evaluatedRunSchema;
  readonly title: string;
  readonly summary: string;
  /** Command that repeats the run. */
  readonly command: string;
  readonly seed: number;
  /** Whose rule says what is right: ours, or the benchmark's own with its errors. */
  readonly scoring: "strict" | "official";
  /** Data set that the questions come from, relative to the run; null: there is none with clips. */
  readonly data: string | null;
  /** JSON lines of the pairs whose key frames examples show, relative to the run. */
  readonly pairs: string | null;
  /** Training runs in order, relative to the run. */
  readonly stages: readonly { readonly folder: string; readonly title: string }[];
  readonly rows: readonly ReportedRow[];
  /** Row that the findings are about. */
  readonly mainRow: string;
  readonly blindRow: string | null;
  /** Rows whose difference is worth a sentence: the first minus the second. */
  readonly comparisons: readonly (readonly [of: string, against: string])[];
  /** Rows that were trained under a control, beside the real ones; left out: none. */
  readonly controls?: readonly ReportedControl[] | undefined;
  /** Everything that decides the run, resolved. */
  readonly configuration?: unknown;
}

const description: z.ZodType<EvaluatedRun> = z.strictObject({
  schema: z.literal(evaluatedRunSchema),
  title: z.string(),
  summary: z.string(),
  command: z.string(),
  seed: z.int(),
  scoring: z.enum(["strict", "official"]),
  data: z.string().nullable(),
  pairs: z.string().nullable(),
  stages: z.array(z.strictObject({ folder: z.string(), title: z.string() })),
  rows: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        subject: z.string(),
        complete: z.string(),
        absent: z.string().nullable(),
        control: z.string().nullable(),
        stage: z.string().nullable(),
      }),
    )
    .min(1),
  mainRow: z.string(),
  blindRow: z.string().nullable(),
  comparisons: z.array(z.tuple([z.string(), z.string()])),
  controls: z.array(z.strictObject({ of: z.string(), control: z.string(), from: z.string() })).optional(),
  configuration: z.unknown(),
});

/** A name and what stands behind it. */
export interface NamedFact {
  readonly name: string;
  readonly value: string;
}

/** `journal.json`: what happened when the run ran, and cannot be had from its records. */
export interface RunJournal {
  readonly schema: typeof evaluatedRunSchema;
  /** ISO date and time. */
  readonly endedAt: string;
  readonly seconds: readonly { readonly name: string; readonly value: number }[];
  readonly leftOut: readonly { readonly what: string; readonly count: number; readonly reason: string }[];
  readonly facts: readonly NamedFact[];
  readonly versions: readonly NamedFact[];
  readonly machine: readonly NamedFact[];
}

const named = z.array(z.strictObject({ name: z.string(), value: z.string() }));

const journal: z.ZodType<RunJournal> = z.strictObject({
  schema: z.literal(evaluatedRunSchema),
  endedAt: z.string(),
  seconds: z.array(z.strictObject({ name: z.string(), value: z.number() })),
  leftOut: z.array(z.strictObject({ what: z.string(), count: z.int().min(0), reason: z.string() })),
  facts: named,
  versions: named,
  machine: named,
});

const read = <T>(schema: z.ZodType<T>, file: string): T => {
  const parsed = schema.safeParse(readJsonFile(file));
  if (!parsed.success)
    throw new DataFormatError("not a run that can be reported", {
      where: file,
      got: explainZod(parsed.error),
    });
  return parsed.data;
};

/**
 * The description of an evaluated run.
 *
 * @throws {RunError} when the folder holds none
 * @throws {DataFormatError} naming the first wrong field
 */
export const readEvaluatedRun = (folder: string): EvaluatedRun => {
  const file = join(folder, evaluatedRunFiles.config);
  const isThere = existsSync(file);
  const isEvaluated =
    isThere && (readJsonFile(file) as { readonly schema?: unknown } | null)?.schema === evaluatedRunSchema;
  if (!isEvaluated)
    throw new RunError("no evaluated run here", {
      where: folder,
      expected: `a folder with ${evaluatedRunFiles.config} and records, as quickstart and score --out write it`,
      got: isThere ? "the run of one training stage" : "nothing",
      ...(isThere ? { hint: "name the folder above it" } : {}),
    });
  return read(description, file);
};

/** The journal of a run; null for one that has not ended. @throws {DataFormatError} naming the first wrong field */
export const readJournal = (folder: string): RunJournal | null => {
  const file = join(folder, evaluatedRunFiles.journal);
  return existsSync(file) ? read(journal, file) : null;
};

/** Where two JSON values differ first, and what stands there; undefined for equal ones. */
const firstDifference = (
  before: unknown,
  now: unknown,
  path = "",
): { readonly path: string; readonly before: string; readonly now: string } | undefined => {
  if (isDeepStrictEqual(before, now)) return undefined;
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  // The command and the titles say what the configuration says.
  const last = (key: string): number => (["title", "summary", "command"].includes(key) ? 1 : 0);
  if (isObject(before) && isObject(now))
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(now)])].sort(
      (a, b) => last(a) - last(b),
    )) {
      const found = firstDifference(before[key], now[key], path === "" ? key : `${path}.${key}`);
      if (found !== undefined) return found;
    }
  const shown = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 80);
  return { path, before: shown(before), now: shown(now) };
};

/** A run without what only reads its answers: metrics, scorers, and the command that names them. */
const asked = (run: Partial<EvaluatedRun>): Partial<EvaluatedRun> => ({
  ...run,
  command: "",
  ...(typeof run.configuration === "object" && {
    configuration: { ...run.configuration, metrics: [], scorers: [] },
  }),
});

/**
 * Writes `config.json`, or makes sure that the one that is there asked the same; with other metrics or scorers it is
 * written anew.
 *
 * @throws {RunError} when another run is there
 */
export const writeEvaluatedRun = (folder: string, run: EvaluatedRun): void => {
  const file = join(folder, evaluatedRunFiles.config);
  const text = `${JSON.stringify(run, null, 2)}\n`;
  if (!existsSync(file)) writeFileAtomic(file, text);
  else {
    const recorded = readJsonFile(file) as Partial<EvaluatedRun>;
    if (isDeepStrictEqual(recorded, JSON.parse(text))) return;
    const different = firstDifference(asked(recorded), asked(JSON.parse(text)));
    if (different === undefined) {
      writeFileAtomic(file, text);
      return;
    }
    const { path, before, now } = different;
    throw new RunError("a run with another configuration is there", {
      where: folder,
      expected: `${path} ${before}`,
      got: now,
      hint: "choose another --out",
    });
  }
};
