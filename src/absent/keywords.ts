import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { DroppedKeyword } from "./language/grounding.ts";

/** What came of one caption. Only `ok` carries keywords; nothing is ever filled in for the others. */
export type KeywordOutcome =
  | {
      readonly status: "ok";
      readonly keywords: readonly string[];
      readonly usage?: KeywordUsage;
      readonly cached?: boolean;
      /** Keywords that a model named and the caption does not say, with the words that are missing. */
      readonly dropped?: readonly DroppedKeyword[];
      /** Why keywords could not be compared with the caption. */
      readonly unchecked?: string;
    }
  | {
      readonly status: KeywordFailure;
      readonly reason: string;
      /** Requests made; 0 when the answer was kept from before. */
      readonly attempts: number;
      readonly usage?: KeywordUsage;
      readonly dropped?: readonly DroppedKeyword[];
    };

/**
 * Why an extractor gave nothing. `ungrounded`: a model named keywords, of which the caption says none;
 * `unsupported-language`: the extractor does not read the caption's language.
 */
export type KeywordFailure =
  | "ungrounded"
  | "unsupported-language"
  | "rate-limited"
  | "server-error"
  | "refused"
  | "malformed"
  | "empty"
  | "deadline"
  | "unreachable";

/** What a request cost. */
export interface KeywordUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** In the currency of the prices that were configured; 0 when none were. */
  readonly cost: number;
}

/** Reads keywords for transient actions and events out of captions. */
export interface KeywordExtractor {
  /** Keywords such as "flip pancake", in the order of the caption; never throws for a caption it cannot read. */
  extract(caption: string, signal?: AbortSignal): Promise<KeywordOutcome>;
  /** The method's version and model; part of the provenance. */
  readonly version: string;
  /** What of the parameters decides the keywords, where that is not all of them: recorded in their place, without addresses. */
  readonly recorded?: Readonly<Record<string, unknown>>;
}

/** An extractor's file: `keywords/<name>.ts`. */
export type KeywordExtractorDefinition = Plugin<KeywordExtractor>;

/** Declares an extractor. */
export const defineKeywordExtractor: Define<KeywordExtractorDefinition> = definer("keyword extractor");

/** Every keyword extractor, by file name. */
export const keywordExtractors: Registry<KeywordExtractorDefinition> =
  folderRegistry<KeywordExtractorDefinition>("keyword extractor", new URL("./keywords/", import.meta.url));
