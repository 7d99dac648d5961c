import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { makeFolder, readJsonFile, writeFileAtomic } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";

/** One question's answers: 1 right, 0 wrong, of several draws the share that is right; null where it was not asked so. */
export interface AskedQuestion {
  readonly question: string;
  readonly clip: string;
  readonly aboutEvent: boolean;
  readonly complete: number;
  readonly absent: number | null;
  readonly control: number | null;
}

/** One fragment question: 1 right, 0 wrong, and the same about one repeated picture. */
export interface AskedFragment {
  readonly question: string;
  readonly clip: string;
  readonly task: string;
  readonly right: number;
  readonly repeated: number;
}

/** What was measured of one arm with one seed; everything else is computed from these. */
export interface Measures {
  readonly schema: "videoperceiver/repro-measures@1";
  readonly arm: string;
  readonly seed: number;
  /** Of training, pauses left out. */
  readonly seconds: number;
  readonly steps: number;
  /** Of held-out clips: is the text nearer to the clip than to its twin, than to the frozen control; with one end token. */
  readonly wins: readonly {
    readonly clip: string;
    readonly twin: number;
    readonly frozen: number;
    readonly cosine: number;
  }[];
  /** Probability of the right answer to an event question. */
  readonly right: readonly {
    readonly question: string;
    readonly clip: string;
    readonly probability: number;
  }[];
  readonly asked: readonly AskedQuestion[];
  /** Of a study with fragment tasks. */
  readonly fragments?: readonly AskedFragment[];
  /** Last value of every metric of training. */
  readonly last: Readonly<Record<string, number>>;
}

const share = z.number().min(0).max(1);
const schema: z.ZodType<Measures> = z.strictObject({
  schema: z.literal("videoperceiver/repro-measures@1"),
  arm: z.string(),
  seed: z.int(),
  seconds: z.number(),
  steps: z.int(),
  wins: z.array(z.strictObject({ clip: z.string(), twin: share, frozen: share, cosine: z.number() })),
  right: z.array(z.strictObject({ question: z.string(), clip: z.string(), probability: z.number() })),
  asked: z.array(
    z.strictObject({
      question: z.string(),
      clip: z.string(),
      aboutEvent: z.boolean(),
      complete: share,
      absent: share.nullable(),
      control: share.nullable(),
    }),
  ),
  fragments: z
    .array(
      z.strictObject({
        question: z.string(),
        clip: z.string(),
        task: z.string(),
        right: share,
        repeated: share,
      }),
    )
    .exactOptional(),
  last: z.record(z.string(), z.number()),
});

const fileOf = (folder: string, arm: string): string => join(folder, "measures", `${arm}.json`);

/** Writes what was measured, as a whole or not at all. */
export const writeMeasures = (folder: string, measures: Measures): void => {
  makeFolder(join(folder, "measures"));
  writeFileAtomic(fileOf(folder, measures.arm), `${JSON.stringify(measures)}\n`);
};

/** What was measured of an arm; null: not yet. @throws {DataFormatError} naming the first wrong field */
export const readMeasures = (folder: string, arm: string): Measures | null => {
  const file = fileOf(folder, arm);
  if (!existsSync(file)) return null;
  const parsed = schema.safeParse(readJsonFile(file));
  if (!parsed.success)
    throw new DataFormatError("not the measures of an arm", { where: file, got: explainZod(parsed.error) });
  return parsed.data;
};
