/**
 * Words that take an assertion back, put it in doubt or say that it is about something else. One list for every kind of
 * answer: what stands in a clause with one of them is not credited.
 */
const DENIAL =
  "not|no|never|neither|nor|none|nobody|nothing|nowhere|cannot|without|except|excluding|unlike|hardly|barely|rarely|seldom|nearly|almost|least|worst|incorrect(?:ly)?|wrong(?:ly)?|false|untrue|inaccurate|invalid|mistaken|unlikely|impossible|absent|absence|missing|invisible|unable|fail(?:s|ed|ing)?|refuse[sd]?|refusing|lack(?:s|ed|ing)?|insufficient(?:ly)?|inconclusive|little evidence|avoid(?:s|ed|ing)?|less|short of|instead of|rather than|as opposed to|other than|doubt(?:s|ed|ful)?|deny|denie[sd]|rule[sd]? out|ruling out|eliminat(?:e|es|ed|ing)|exclud(?:e|es|ed)|reject(?:s|ed|ing)?|dismiss(?:es|ed|ing)?|discard(?:s|ed|ing)?";
const DOUBT =
  "maybe|perhaps|thought|assumed|tempting|tempted|far from|before (?:he|she|it|they) can|fake[ds]?|possibly|might|may|could|would have|should have|whether|if|unless|unclear|unsure|uncertain|unknown|tries to|try to|trying to|tried to|wants to|want to|wanted to|attempts? to|attempted to|about to|supposed to|pretends? to|anything but|everything but|all but|nothing but|any but|all except|(?:is|are|seems?|also|equally|as) (?:possible|plausible|conceivable)";
const SHORTENED =
  "ain|don|doesn|didn|isn|aren|wasn|weren|can|couldn|won|wouldn|shouldn|hasn|haven|hadn|mustn|needn";
const FOREIGN = "nicht|kein|keine|pas|jamais|não|nunca|niet|geen|nie|не";

const DENIED = new RegExp(
  `\\b(?:${DENIAL}|${DOUBT}|(?:${SHORTENED})['’]?t)\\b|(?<!\\p{L})(?:${FOREIGN})(?!\\p{L})|可 ?能|也 ?许|或 ?许|大 ?概|恐 ?怕|たぶん|아마|[没沒不未非别別無无❌✗✘✖⛔🚫👎]`,
  "iu",
);

const CERTAIN =
  /\b(?:without\s+(?:a\s+|any\s+)?doubt|(?:there\s+is\s+)?no\s+doubt|not\s+surprisingly|no\s+wonder)\b/gi;

/** True when a clause denies or doubts what it names; East Asian negations and crosses count, too. */
export const isDenied = (clause: string): boolean => DENIED.test(clause.replace(CERTAIN, " "));

const CLAUSE_EDGE =
  /[.;:!?\n,()]|\b(?:but|however|so|therefore|thus|hence|because|then|although|though|yet|while|whereas)\b/gi;

/** What stands in front of a position in its own clause. */
export const clauseBefore = (text: string, at: number): string => {
  let start = 0;
  for (const edge of text.slice(0, at).matchAll(CLAUSE_EDGE)) start = edge.index + edge[0].length;
  return text.slice(start, at);
};

/** What stands behind a position in its own clause, its question mark included. */
export const clauseAfter = (text: string, at: number): string => {
  const rest = text.slice(at);
  CLAUSE_EDGE.lastIndex = 0;
  const edge = [...rest.matchAll(CLAUSE_EDGE)].find(({ index }) => !/^[.:]\d/.test(rest.slice(index)));
  return edge === undefined ? rest : rest.slice(0, edge.index + (edge[0] === "?" ? 1 : 0));
};

const LIMIT =
  /\b(?:(?:more|less|fewer|greater|rather|other|later|earlier)\s+than|at\s+(?:least|most)|over|under|up\s+to|minimum\s+of|maximum\s+of)\s*$/i;

/** True when a number behind this text is a limit and no value: "more than", "at least". */
export const isLimit = (before: string): boolean => LIMIT.test(before);

/** True when the values at a place are denied, doubted, asked or only a limit: "not 3", "3 is wrong", "at least 3", "3?". */
export const isDeniedAt = (text: string, start: number, end: number): boolean => {
  const before = clauseBefore(text, start);
  const after = clauseAfter(text, end);
  return isDenied(before) || isLimit(before) || isDenied(after) || after.endsWith("?");
};

/** Words by which a text takes back what it said before. */
export const CORRECTION: RegExp =
  /\b(?:no|wait|actually|correction|correct(?:ing)?\s+myself|sorry|second\s+thought|mistake|mistaken|on reflection|scratch that|let me re-?count|recount(?:ing|ed)?|reconsider\w*|re-?examin\w*|re-?check\w*)\b/i;

/**
 * The last of several readings when they agree, or when the text takes the earlier ones back; null when it leaves open
 * which one it means.
 */
export const lastOf = <T extends { readonly start: number; readonly end: number }>(
  text: string,
  found: readonly T[],
  same: (a: T, b: T) => boolean,
): T | null => {
  const last = found.at(-1);
  if (last === undefined) return null;
  const other = found.findLast((one) => !same(one, last));
  return other === undefined || CORRECTION.test(text.slice(other.end, last.start)) ? last : null;
};

/** The sentences of a text; full stops inside numbers and abbreviations end none. */
export const sentences = (text: string): string[] =>
  text
    .split(/(?<=[.!?])(?=\s|$)|[;\n]+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "");

/**
 * The stretches of a sentence that share one polarity: they are parted where a contrast begins ("but", "rather than",
 * ", not"), or where a new subject follows a comma. "anything but" is no contrast.
 */
export const clauses = (sentence: string): string[] =>
  sentence.split(
    /(?<!\b(?:any|all|any\w+|every\w+|nothing|none|no one)\s)(?=\b(?:but|however|instead|rather than|as opposed to|although|though|whereas)\b)|[,:]\s*(?=(?:it|he|she|they|而是)(?!\p{Script=Latin}))|,\s*(?=(?:not|so|therefore|thus|hence|because|since|it|he|she|they|there|this|that|the|I|we|you|yes|which|who)\b)/iu,
  );
