import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";
import type { Sample } from "../../dataset/sample.ts";

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

  constructor(byName: ReadonlyMap<string, PersonDecision> = new Map()) {
    this.#byName = byName;
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
  return new Decisions(new Map(Object.entries(parsed.data.decisions)));
};
