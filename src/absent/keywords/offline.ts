import { z } from "zod";
import { defineKeywordExtractor, type KeywordExtractorDefinition } from "../keywords.ts";
import { captionKeywords, captionKeywordsVersion } from "../language/caption-keywords.ts";
import { otherLanguage } from "../language/caption-language.ts";
import { installedWordNet } from "../language/wordnet.ts";

const params = z.strictObject({});

/** The beginning of a caption, so that a message of one line can name it. */
const shortened = (caption: string): string => {
  const line = caption.trim().replace(/\s+/g, " ");
  return line.length > 60 ? `${[...line].slice(0, 59).join("")}…` : line;
};

/** Keywords without a network. */
const offline: KeywordExtractorDefinition = defineKeywordExtractor({
  summary: "visible actions by a tagger, WordNet and rules (no network; accuracy in docs/keywords.md)",
  source: "ours, on WordNet 3.0",
  params,
  create: () => ({
    version: captionKeywordsVersion,
    extract: async (caption) => {
      const other = otherLanguage(caption, installedWordNet());
      if (other !== undefined)
        return {
          status: "unsupported-language",
          reason: `it reads English only, and of the caption ${JSON.stringify(shortened(caption))} ${other}; translate it, or ask a language model (--extractor openai:...)`,
          attempts: 1,
        };
      const keywords = captionKeywords(caption);
      return keywords.length > 0
        ? { status: "ok", keywords }
        : { status: "empty", reason: "the caption names no visible action", attempts: 1 };
    },
  }),
});

export default offline;
