/** One word or mark of a caption. */
export interface Token {
  /** Lower case; a mark is "," (within a sentence) or "." (between clauses that do not share words). */
  readonly text: string;
  readonly capital: boolean;
}

const clitics = /^(.+?)(n't|'s|'re|'ve|'ll|'d|'m|')$/;

/** Sentences of a caption as words and marks; what stands in brackets is an aside and left out. */
export const sentencesOf = (caption: string): Token[][] => {
  const text = caption
    .normalize("NFKC")
    .replace(/[’‘`´]/g, "'")
    .replace(/[([{][^)\]}]*[)\]}]/g, " , ")
    .replace(/(?<=\S\s)["“][^"“”]{1,60}["”](?=[\s.,;!?])/g, " ")
    .replace(/\bdash[ -]cam/gi, "dashcam")
    .replace(/\bno[ -]one\b/gi, "nobody")
    .replace(/\bin front\b(?! of\b)/gi, "ahead")
    .replace(/["“”«»*_]/g, " ")
    .replace(/\s+[-–—]+\s+|—|--+/g, " , ")
    .replace(/…|\.{2,}/g, " . ");
  const sentences: Token[][] = [];
  let sentence: Token[] = [];
  const end = (): void => {
    if (sentence.some(({ text: word }) => word !== ",")) sentences.push(sentence);
    sentence = [];
  };
  for (const [piece] of text.matchAll(
    /\p{N}+(?:[.,:]\p{N}+)*|[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}'/-]*|[.,;:!?]|[)\]}&+]/gu,
  )) {
    if (/^[.!?;:]$/.test(piece)) end();
    else if (/^[,)\]}]$/.test(piece)) {
      if (sentence.length > 0 && sentence.at(-1)!.text !== ",") sentence.push({ text: ",", capital: false });
    } else if (/^[&+]$/.test(piece)) sentence.push({ text: "and", capital: false });
    else sentence.push(...wordsOf(piece));
  }
  end();
  return sentences;
};

const wordsOf = (piece: string): Token[] => {
  const capital = /^\p{Lu}/u.test(piece);
  const word = piece.toLowerCase().replace(/[-/]+$/, "");
  if (word === "cannot" || word === "can't")
    return [
      { text: "can", capital },
      { text: "not", capital: false },
    ];
  if (word === "won't")
    return [
      { text: "will", capital },
      { text: "not", capital: false },
    ];
  const parts = clitics.exec(word);
  if (parts === null) return word === "" ? [] : [{ text: word, capital }];
  return [
    { text: parts[1]!, capital },
    { text: parts[2] === "n't" ? "not" : parts[2]!, capital: false },
  ];
};
