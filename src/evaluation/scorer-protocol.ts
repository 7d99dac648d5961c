import { z } from "zod";
import { DataFormatError } from "../core/errors.ts";
import { explainZod } from "../core/registry.ts";
import type { Scorer, ScorerItem, ScorerVerdict } from "./scorer.ts";

/** Version of docs/scorers.md's protocol. */
export const scorerProtocol = "videoperceiver/text-scorer@1";

const partName = z.string().regex(/^[\w.-]+$/, "letters, digits, _ . -");
const info = z.object({
  protocol: z.literal(scorerProtocol),
  name: partName,
  version: z.string().min(1),
  parts: z.array(partName).min(1).default(["score"]),
  missing: z.number().default(0),
  secondsPerItem: z.number().nonnegative().optional(),
  costPerItem: z.number().nonnegative().optional(),
});
const verdict = z.union([
  z.number(),
  z.record(z.string(), z.number()),
  z.object({ failure: z.string().min(1) }),
]);
const scores = z.object({ scores: z.array(verdict) });

/** Who a scorer says that it is. @throws {DataFormatError} for what does not speak the protocol */
export const readScorerInfo = (
  said: unknown,
  where: string,
): Pick<Scorer, "name" | "version" | "parts" | "missing" | "metrics" | "estimate"> => {
  const read = info.safeParse(said);
  if (!read.success)
    throw new DataFormatError("not a scorer", {
      where,
      expected: `{"protocol": "${scorerProtocol}", "name": NAME, "version": TEXT}`,
      got: explainZod(read.error),
    });
  const { name, version, parts, missing, secondsPerItem, costPerItem } = read.data;
  return {
    name,
    version,
    parts,
    missing: Object.fromEntries(parts.map((part) => [part, missing])),
    metrics: parts.map((part) =>
      parts.length === 1 ? `external:${name}` : `external:name=${name},part=${part}`,
    ),
    estimate: {
      ...(secondsPerItem === undefined ? {} : { secondsPerItem }),
      ...(costPerItem === undefined ? {} : { costPerItem }),
    },
  };
};

/** What is sent for items. */
export const scorerRequest = (items: readonly ScorerItem[]): string => JSON.stringify({ items });

/** The verdicts of an answer. @throws {DataFormatError} for another length, a missing part, or what is no number */
export const readScorerAnswer = (
  said: unknown,
  items: number,
  parts: readonly string[],
  where: string,
): ScorerVerdict[] => {
  const bad = (got: string): DataFormatError =>
    new DataFormatError("bad answer of the scorer", {
      where,
      expected: `${items} scores, each a number, {${parts.map((part) => `"${part}": number`).join(", ")}} or {"failure": TEXT}`,
      got,
    });
  const read = scores.safeParse(said);
  if (!read.success) throw bad(explainZod(read.error));
  if (read.data.scores.length !== items) throw bad(`${read.data.scores.length} scores`);
  return read.data.scores.map((one): ScorerVerdict => {
    if (typeof one === "object" && "failure" in one) return { failure: String(one.failure) };
    const values = typeof one === "number" ? { [parts[0]!]: one } : (one as Record<string, number>);
    const lacking = parts.find((part) => values[part] === undefined);
    if (lacking !== undefined) throw bad(`a score without "${lacking}"`);
    return Object.fromEntries(parts.map((part) => [part, values[part]!]));
  });
};
