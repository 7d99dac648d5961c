import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DataFormatError, VideoPerceiverError } from "../../core/errors.ts";
import { readJsonFile, sha256 } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";
import { readDescription } from "../../dataset/read.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { DatasetDescription } from "../../dataset/schema.ts";

/** Version of the file that the data set's page saves. */
export const decisionsSchemaName = "videoperceiver/decisions@1";

const decisionsSchema = z.strictObject({
  schema: z.literal(decisionsSchemaName),
  dataset: z.string().optional(),
  decisions: z.record(
    z.string(),
    z.strictObject({
      verdict: z.enum(["accept", "reject"]).optional(),
      note: z.string().optional(),
    }),
  ),
});

/** What a person decided about a pair or a question. */
export interface PersonDecision {
  readonly verdict?: "accept" | "reject" | undefined;
  readonly note?: string | undefined;
}

/** Decisions by the name of a pair or of a sample. */
export class Decisions {
  readonly #byName: ReadonlyMap<string, PersonDecision>;
  /** Which source's row a name means. */
  readonly #meant = new Map<string, number>();
  readonly #ambiguous = new Set<string>();
  /** Content of the data set on whose page they were saved; undefined: the file does not say. */
  readonly dataset: string | undefined;

  constructor(byName: ReadonlyMap<string, PersonDecision> = new Map(), dataset?: string) {
    this.#byName = byName;
    this.dataset = dataset;
  }

  /**
   * What was decided about a sample: by its own name, by its pair's, or by the name that the pair had in the data set that
   * it comes from. Where rows of several sources had that name, the first source's are meant.
   */
  about({ id, provenance }: Sample, rowId: string, sourceNumber: number): PersonDecision | undefined {
    for (const name of [id, rowId, provenance["row"]]) {
      const found = typeof name === "string" ? this.#byName.get(name) : undefined;
      if (found === undefined) continue;
      const meant = this.#meant.get(name as string) ?? sourceNumber;
      this.#meant.set(name as string, meant);
      if (meant === sourceNumber) return found;
      this.#ambiguous.add(name as string);
    }
    return undefined;
  }

  /** Names that rows of several sources had. */
  ambiguous(): string[] {
    return [...this.#ambiguous];
  }

  /** Names that nobody asked for: decisions about something that is not in the data set. */
  strangers(): string[] {
    return [...this.#byName.keys()].filter((name) => !this.#meant.has(name));
  }
}

/**
 * Reads the file that the page saves.
 *
 * @throws {DataFormatError} for another file
 */
export const readDecisions = (file: string): Decisions => {
  const parsed = decisionsSchema.safeParse(readJsonFile(file));
  if (!parsed.success)
    throw new DataFormatError("not a file of decisions", {
      where: file,
      expected: "what the data set's page saves",
      got: explainZod(parsed.error),
    });
  return new Decisions(new Map(Object.entries(parsed.data.decisions)), parsed.data.dataset);
};

/** What a folder's data set says of itself; undefined: there is none that can be read. */
const describedIn = (folder: string): DatasetDescription | undefined => {
  if (!existsSync(join(folder, "dataset.json"))) return undefined;
  try {
    return readDescription(folder);
  } catch (error) {
    if (!(error instanceof VideoPerceiverError)) throw error;
    return undefined;
  }
};

/**
 * One line where a file of decisions was saved on the page of a data set that is neither the one that it is applied to nor
 * one of its sources: rows of other data sets may have the same names. Undefined where all is well.
 *
 * @param out the folder as it is before it is built anew
 * @param sources files and folders
 */
export const otherDataset = (
  file: string,
  { dataset }: Decisions,
  out: string,
  sources: readonly string[],
): string | undefined => {
  if (dataset === undefined) return undefined;
  const before = describedIn(out);
  const places = [before, ...sources.map(describedIn)];
  if (places.some((one) => one?.contentHash === dataset)) return undefined;
  // The same command again: what stands there is what these decisions left.
  if (before?.recipe.params["decisions"] === sha256(readFileSync(file))) return undefined;
  return `${file} was saved on the page of the data set ${dataset.slice(0, 12)}, which is neither in ${out} nor a source: its decisions are applied to rows of the same names`;
};
