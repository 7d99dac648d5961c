import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";

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
  readonly #asked = new Set<string>();

  constructor(byName: ReadonlyMap<string, PersonDecision> = new Map()) {
    this.#byName = byName;
  }

  /** What was decided about a name. */
  of(name: string): PersonDecision | undefined {
    const found = this.#byName.get(name);
    if (found !== undefined) this.#asked.add(name);
    return found;
  }

  /** Names that nobody asked for: decisions about something that is not in the data set. */
  strangers(): string[] {
    return [...this.#byName.keys()].filter((name) => !this.#asked.has(name));
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
