import nlp from "compromise";
import { z } from "zod";
import { defineFilter, type FilterPlugin, lowerCaseWords } from "../filter.ts";

const params = z.strictObject({
  captionKey: z.string().default("caption").describe("field of provenance that holds the clip's caption"),
  synonyms: z
    .record(z.string(), z.array(z.string()))
    .default({})
    .describe("word -> words that count as the same; both directions"),
});

/** Singular nouns of a text. */
const nounsOf = (text: string): string[] =>
  lowerCaseWords(
    nlp(text)
      .nouns()
      .toSingular()
      .terms()
      .filter((term) => term.has("#Noun") && !term.has("#Pronoun") && !term.has("#Determiner"))
      .text(),
  );

/** Every noun of a free answer stands in the clip's caption; samples whose clip has no caption pass. */
const filter: FilterPlugin = defineFilter({
  summary: "the answer names nothing that the caption does not name",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: ({ captionKey, synonyms }) => {
    const same = new Map<string, Set<string>>();
    const link = (a: string, b: string): void => {
      same.set(a, (same.get(a) ?? new Set()).add(b));
    };
    for (const [word, others] of Object.entries(synonyms))
      for (const other of others) {
        link(word.toLowerCase(), other.toLowerCase());
        link(other.toLowerCase(), word.toLowerCase());
      }
    return {
      check: (sample) => {
        const caption = sample.provenance[captionKey];
        if (typeof caption !== "string" || sample.answerKind !== "open") return undefined;
        // Whatever the caption says word for word needs no reading of its grammar.
        const said = new Set(lowerCaseWords(caption));
        if (lowerCaseWords(sample.answer).every((word) => said.has(word))) return undefined;
        // A verb's third person ("jumps") is easily taken for a plural: without its ending it is known as well.
        const known = new Set(
          [...lowerCaseWords(caption), ...nounsOf(caption)].flatMap((word) => [
            word,
            word.replace(/e?s$/, ""),
            word.replace(/s$/, ""),
          ]),
        );
        const stranger = nounsOf(sample.answer).find(
          (noun) => !known.has(noun) && ![...(same.get(noun) ?? [])].some((other) => known.has(other)),
        );
        return stranger === undefined ? undefined : `"${stranger}" does not stand in the caption`;
      },
    };
  },
});

export default filter;
