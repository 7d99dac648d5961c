import type { RelevanceDefinition } from "../selection/relevance.ts";

/** What of a provider says what its scores mean. */
export type ScoreMeaning = Pick<RelevanceDefinition, "unit" | "usesText">;

/** What scores say, for a person: who gave them, whether it read the text, and the unit. */
export const scoreMeaning = (name: string, { unit, usesText }: ScoreMeaning): string =>
  `${name}${usesText ? "" : " (did not read the caption)"}: ${unit}`;
