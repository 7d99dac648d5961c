import { ConfigError } from "../core/errors.ts";
import type { Made, MadeBy } from "../core/registry.ts";
import type { RelevanceDefinition } from "../selection/relevance.ts";
import {
  type KeywordExtractor,
  type KeywordOutcome,
  type KeywordUsage,
  keywordExtractors,
} from "./keywords.ts";

/** Keywords and where they came from. */
export interface CaptionWords {
  readonly keywords: readonly string[];
  /** What extracted them; left out when they were given. */
  readonly keywordSource?: MadeBy & { readonly version: string };
  /** What a language model's keywords cost; of the first asking when the answer was kept. */
  readonly keywordUsage?: KeywordUsage;
  /** Why there are none, where that does not matter. */
  readonly noKeywords?: string;
  /** What a person should know of them: keywords that the caption does not say, or that could not be compared with it. */
  readonly keywordWarnings?: readonly string[];
}

const warningsOf = ({ dropped = [], unchecked }: Extract<KeywordOutcome, { status: "ok" }>): string[] => [
  ...dropped.map(
    ({ keyword, missing }) =>
      `keyword "${keyword}" dropped: the caption does not say ${missing.join(", ") || "it"}`,
  ),
  ...(unchecked === undefined ? [] : [`keywords not compared with the caption: ${unchecked}`]),
];

/**
 * Refuses relevance that compares frames with words when there are none.
 *
 * @throws {ConfigError} naming the provider and what it lacks
 */
export const checkWords = (
  provider: string,
  { usesText }: Pick<RelevanceDefinition, "usesText">,
  { caption, keywords }: { readonly caption?: string; readonly keywords?: readonly string[] },
): void => {
  if (!usesText || caption !== undefined || (keywords !== undefined && keywords.length > 0)) return;
  throw new ConfigError(`relevance ${provider} compares frames with words, and there are none`, {
    expected: "--caption with what happens in the clip, or --keywords a,b",
    hint: "relevance motion and events need no words",
  });
};

/** The record of an extractor: what decides its keywords. */
export const recordedExtractor = ({ recipe, value }: Made<KeywordExtractor>): MadeBy =>
  value.recorded === undefined ? recipe : { name: recipe.name, params: value.recorded };

/**
 * Keywords as given, or out of the caption; none without both.
 *
 * @param extractor `NAME` or `NAME:key=value,...`
 * @param needed frames are compared with the keywords
 * @throws {ConfigError} when they are needed and there are none, or when the extractor failed
 */
export const captionWords = async (
  caption: string | undefined,
  given: readonly string[] | undefined,
  extractor: string,
  needed: boolean,
  signal: AbortSignal | undefined,
): Promise<CaptionWords> => {
  if (given !== undefined) return { keywords: given };
  if (caption === undefined) return { keywords: [] };
  const made = await keywordExtractors.choose(extractor);
  const outcome: KeywordOutcome = await made.value.extract(caption, signal);
  const keywordSource = { ...recordedExtractor(made), version: made.value.version };
  if (outcome.status === "ok") {
    const { keywords, usage } = outcome;
    const keywordWarnings = warningsOf(outcome);
    return {
      keywords,
      keywordSource,
      ...(usage && { keywordUsage: usage }),
      ...(keywordWarnings.length > 0 && { keywordWarnings }),
    };
  }
  const bearable = ["empty", "ungrounded", "unsupported-language"].includes(outcome.status);
  if (!bearable || needed)
    throw new ConfigError(`no keywords from extractor "${made.recipe.name}"`, {
      got: `${outcome.status}: ${outcome.reason}`,
      hint: "say what happens with --caption, or give --keywords a,b",
    });
  return { keywords: [], keywordSource, noKeywords: outcome.reason };
};
