import { z } from "zod";
import { defineKeywordExtractor, type KeywordExtractorDefinition } from "../keywords.ts";
import { captionKeywords, captionKeywordsVersion } from "../language/caption-keywords.ts";

const params = z.strictObject({});

/** Keywords without a network. */
const offline: KeywordExtractorDefinition = defineKeywordExtractor({
  summary: "visible actions by a tagger, WordNet and rules (no network; accuracy in docs/keywords.md)",
  source: "ours, on compromise and WordNet 3.0",
  params,
  create: () => ({
    version: captionKeywordsVersion,
    extract: async (caption) => {
      const keywords = captionKeywords(caption);
      return keywords.length > 0
        ? { status: "ok", keywords }
        : { status: "empty", reason: "the caption names no visible action", attempts: 1 };
    },
  }),
});

export default offline;
