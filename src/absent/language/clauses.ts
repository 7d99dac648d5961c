import nlp from "compromise";

/** One word of a caption with what the tagger thinks it is. */
export interface Word {
  /** Lower case, without punctuation. */
  readonly text: string;
  readonly tags: ReadonlySet<string>;
  /** Punctuation that follows: a comma or anything that ends a clause. */
  readonly breakAfter: boolean;
  /** True for the first word of a sentence. */
  readonly startsSentence: boolean;
}

/** The words of a caption, sentence after sentence. */
export const wordsOf = (caption: string): Word[] => {
  const sentences = nlp(caption).json({ terms: { text: true, tags: true, normal: true } }) as {
    terms: { text: string; normal: string; tags: string[]; post: string }[];
  }[];
  return sentences.flatMap(({ terms }) =>
    terms
      .filter(({ text }) => text !== "")
      .map(({ text, tags, post }, at) => ({
        text: text.toLowerCase().replace(/[^\p{L}\p{N}'-]/gu, ""),
        tags: new Set(tags),
        breakAfter: /[,;:.!?–—(]/.test(post) || at === terms.length - 1,
        startsSentence: at === 0,
      })),
  );
};
