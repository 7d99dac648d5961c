const WORD = String.raw`[\p{L}\p{N}_]`;
const BEFORE = `(?<!${WORD})`;
const AFTER = `(?!${WORD})`;

const rule = (pattern: string, flags: string, replacement: string): readonly [RegExp, string] => [
  new RegExp(pattern, flags),
  replacement,
];

/** Rewritings that put spaces around what is a token of its own, in their order. */
const beforePadding: readonly (readonly [RegExp, string])[] = [
  rule("([«“‘„]|[`]+)", "gu", " $1 "),
  rule('^"', "gu", "``"),
  rule("(``)", "gu", " $1 "),
  rule(String.raw`([ (\[{<])("|'{2})`, "gu", "$1 `` "),
  rule(`(')(?!re|ve|ll|m|t|s|d|n)(${WORD})${AFTER}`, "giu", "$1 $2"),
  rule(String.raw`([^.])(\.)([\])}>"'»”’ ]*)\s*$`, "gu", "$1 $2 $3 "),
  rule(String.raw`([:,])([^\p{Nd}])`, "gu", " $1 $2"),
  rule(String.raw`([:,])(?=\n?$)`, "gu", " $1 "),
  rule(String.raw`\.{2,}`, "gu", " $& "),
  rule("[;@#$%&]", "gu", " $& "),
  rule(String.raw`([^.])(\.)([\])}>"']*)\s*$`, "gu", "$1 $2$3 "),
  rule("[?!]", "gu", " $& "),
  rule("([^'])' ", "gu", "$1 ' "),
  rule("[*]", "gu", " $& "),
  rule(String.raw`[\][(){}<>]`, "gu", " $& "),
  rule("--", "gu", " -- "),
];
const afterPadding: readonly (readonly [RegExp, string])[] = [
  rule("([»”’])", "gu", " $1 "),
  rule("''", "gu", " '' "),
  rule('"', "gu", " '' "),
  rule(String.raw`\s+`, "gu", " "),
  rule("([^' ])('[sS]|'[mM]|'[dD]|') ", "gu", "$1 $2 "),
  rule("([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "gu", "$1 $2 "),
];
/** Words that are two, and a text that may hold one: most sentences have none. */
const mayContract = /cannot|d' ?ye|gimme|gonna|gotta|lemme|more' ?n|wanna|' ?t(?:is|was)/iu;
const contractions: readonly (readonly [RegExp, string])[] = [
  ...["(can)(not)", "(d)('ye)", "(gim)(me)", "(gon)(na)", "(got)(ta)", "(lem)(me)", "(more)('n)"].map(
    (pair) => rule(`${BEFORE}${pair}${AFTER}`, "giu", " $1 $2 "),
  ),
  rule(String.raw`${BEFORE}(wan)(na)(?=\s)`, "giu", " $1 $2 "),
  rule(` ('t)(is)${AFTER}`, "giu", " $1 $2 "),
  rule(` ('t)(was)${AFTER}`, "giu", " $1 $2 "),
];

/**
 * Words and marks of one sentence: quotes, brackets, the final full stop and clitics ("'s", "n't") are tokens.
 *
 * @source NLTK 3.9.1 `NLTKWordTokenizer` (Penn Treebank conventions)
 */
export const treebankTokens = (sentence: string): string[] => {
  let text = sentence;
  for (const [pattern, replacement] of beforePadding) text = text.replace(pattern, replacement);
  text = ` ${text} `;
  for (const [pattern, replacement] of afterPadding) text = text.replace(pattern, replacement);
  if (mayContract.test(sentence))
    for (const [pattern, replacement] of contractions) text = text.replace(pattern, replacement);
  return text.split(/\s+/u).filter((token) => token !== "");
};

/** Words that end in a full stop inside sentences. */
const abbreviations = new Set(
  "mr mrs ms dr prof st jr sr vs etc e.g i.e a.m p.m u.s u.k no fig inc ltd co corp approx ave dept est gen gov lt mt rev sgt jan feb mar apr jun jul aug sep sept oct nov dec".split(
    " ",
  ),
);

/** True when a full stop behind this word does not end the sentence before `next`. */
const staysInside = (word: string, next: string): boolean => {
  const bare = word.replace(/^[("'[{“‘]+/u, "").toLowerCase();
  if (abbreviations.has(bare) || /^\p{L}$/u.test(bare)) return true;
  const continues = /^["'(]?\p{Ll}/u.test(next);
  return (bare.endsWith(".") || /^[\d.,-]+$/.test(bare)) && continues;
};

/**
 * The sentences of an English text. A list of abbreviations stands in for the trained model (Punkt) that NLTK looks its
 * sentences up in: the two part sentences differently at rarer abbreviations, where one full stop sticks to its word.
 */
export const captionSentences = (text: string): string[] => {
  const sentences: string[] = [];
  let start = 0;
  for (const mark of text.matchAll(/([.?!]+)["')\]}»”’]*(\s+)(?=\S)/gu)) {
    const end = mark.index + mark[0].length;
    const word = /\S*$/u.exec(text.slice(start, mark.index))![0] + mark[1]!.slice(0, -1);
    if (mark[1]!.endsWith(".") && staysInside(word, text.slice(end, end + 8))) continue;
    sentences.push(text.slice(start, end - mark[2]!.length));
    start = end;
  }
  if (text.slice(start).trim() !== "") sentences.push(text.slice(start));
  return sentences;
};

/** Words and marks of a text of several sentences. */
export const wordTokens = (text: string): string[] => captionSentences(text).flatMap(treebankTokens);
