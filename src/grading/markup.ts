const quotes: Readonly<Record<string, string>> = { "’": "'", "‘": "'", "`": "", "。": ". ", "、": ", " };

/**
 * One writing for characters that differ in width or style only: full-width and circled letters, typographic quotes,
 * East Asian stops and brackets, invisible marks. Superscripts and fractions stay as they are: they carry meaning.
 */
export const foldCharacters = (text: string): string =>
  text
    .replace(/[\u{1D400}-\u{1D7FF}\u24B6-\u24E9\u{1F110}-\u{1F149}]/gu, (mark) => mark.normalize("NFKC"))
    .replace(/[\u{1F170}-\u{1F189}]/gu, (mark) => String.fromCharCode(mark.codePointAt(0)! - 0x1f170 + 65))
    .replace(/[\uFF01-\uFF5E]/g, (mark) => String.fromCharCode(mark.charCodeAt(0) - 0xfee0))
    .replace(/\p{Cf}|\uFE0F/gu, "")
    .replace(/[\u00A0\u2000-\u200A\u202F\u3000]/g, " ")
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/[“”„«»「」『』《》〈〉]/g, '"')
    .replace(/[【〔]/g, "[")
    .replace(/[】〕]/g, "]")
    .replace(/[’‘`。、]/g, (mark) => quotes[mark]!);

const BOX = /(?:\\boxed|\p{Cc}oxed|\bboxed|\\fbox)\s*\{/gu;
const DEEPEST_BOX = 4;

/**
 * The contents of every `\boxed{...}`, to the end of the text where one never closes, of the inner one where boxes are
 * nested. A careless escape turns the backslash and the b into one control character; that is a box, too.
 */
const boxedContents = (text: string, depth = 0): string[] => {
  const contents: string[] = [];
  let behind = 0;
  for (const match of text.matchAll(BOX)) {
    if (match.index < behind) continue;
    const start = match.index + match[0].length;
    let open = 1;
    let at = start;
    for (; at < text.length && open > 0; at++) open += text[at] === "{" ? 1 : text[at] === "}" ? -1 : 0;
    behind = at;
    const content = text.slice(start, open === 0 ? at - 1 : at);
    const inner = depth < DEEPEST_BOX ? boxedContents(content, depth + 1) : [];
    contents.push(...(inner.length > 0 ? inner : [content]));
  }
  return contents;
};

const ANSWER_KEY =
  /^(?:final[_ -]?)?(?:answer|ans|choice|option|prediction|response|result)$|^(?:selected|correct|chosen|best|predicted)[_ -]?(?:option|answer|choice|letter)$|^(?:answer|option|choice)[_ -]?(?:letter|choice|option|text)?$/i;

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");

const asText = (value: unknown): string => {
  if (typeof value === "string") return value;
  if (isTexts(value)) return value.join(", ");
  return value === null || value === undefined ? "" : JSON.stringify(value);
};

/** What an object says under a key that means "answer"; null when it has none, "" when that is empty. */
const answerOfObject = (value: object): string | null => {
  const found = Object.entries(value).filter(([key]) => ANSWER_KEY.test(key.trim()));
  if (found.length === 0) return null;
  return [...new Set(found.map(([, said]) => asText(said).trim()))].join("\n");
};

/** The answer in JSON, alone, in a fence or within a sentence; also cut short or with single quotes. Null: no JSON. */
const jsonAnswer = (text: string): string | null => {
  const trimmed = text.trim();
  const open = trimmed.indexOf("{");
  const close = trimmed.lastIndexOf("}");
  for (const candidate of [trimmed, open >= 0 && close > open ? trimmed.slice(open, close + 1) : ""]) {
    if (!/^[{["]/.test(candidate)) continue;
    try {
      const value: unknown = JSON.parse(candidate);
      if (typeof value === "string") return value;
      if (isTexts(value)) return value.join(", ");
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return answerOfObject(value);
    } catch {
      // No JSON, or not only: the next form is tried.
    }
  }
  if (open < 0) return null;
  const pairs = [
    ...trimmed.slice(open).matchAll(/["']([\w -]+)["']\s*:\s*(?:"([^"]*)"?|'([^']*)'?)/g),
  ].filter((pair) => ANSWER_KEY.test(pair[1]!.trim()));
  return pairs.length === 0
    ? null
    : [...new Set(pairs.map((pair) => (pair[2] ?? pair[3])!.trim()))].join("\n");
};

const withoutLatex = (text: string): string => {
  let plain = text;
  for (let before = ""; before !== plain; ) {
    before = plain;
    plain = plain.replace(
      /\\(?:text|textbf|textit|textrm|textsf|mathrm|mathbf|mathit|mathsf|mathbb|emph|bf|rm)\s*\{([^{}]*)\}/g,
      "$1",
    );
  }
  return plain
    .replace(/\\([%$&#_])/g, "$1")
    .replace(/\\[,;!]/g, " ")
    .replace(/\$(\d[\d.,:/^%°]*)\$(?!\d)/g, "$1")
    .replace(/\$\$?\s*([^$\d\s][^$\n]*?)\s*\$\$?/g, "$1")
    .replace(/\\[()[\]]/g, " ");
};

const VERDICT = String.raw`(?:\*\*)?(?:(correct|right|✓|✔|✅)|(wrong|incorrect|✗|✘|❌|ruled out|eliminated))(?:\*\*)?`;
const VERDICT_ROW = new RegExp(
  String.raw`^[ \t]*\|[ \t]*(?:\*\*)?(?:option[ ])?\(?([A-Z])\)?(?:\*\*)?[ \t]*\|(?:[^|\n]*\|)*?[ \t]*${VERDICT}[ \t]*\|?[ \t]*$`,
  "gimu",
);

/** Rows of a table that say of an option's letter whether it is right ("| B | ... | correct |") as sentences. */
const withSpokenTables = (text: string): string =>
  text.replace(
    VERDICT_ROW,
    (_row, letter: string, right?: string) =>
      `Option ${letter.toUpperCase()} is ${right === undefined ? "wrong" : "correct"}.`,
  );

const withoutMarks = (text: string): string =>
  text
    .replace(/~~[^~]*~~|<(?:s|del|strike)>[\s\S]*?<\/(?:s|del|strike)>/gi, " ")
    .replace(/<(?:br|p|li|div)\b[^<>]*>/gi, "\n")
    .replace(/<(b|i|u|em|strong|span|code|mark|center|font)\b[^<>]*>([\s\S]*?)<\/\1>/gi, "$2")
    .replace(/<\/?(?:strong|span|p|code|center|ul|ol|li|div|font)\b[^<>]*>/gi, "")
    .replace(/\*\*|__/g, "")
    .replace(/(^|[\s("])([*_])(?=\S)([^*_\n]*[^*_\s])\2(?=$|[\s.,;:!?)"])/gm, "$1$3")
    .replace(/^[ \t]{0,3}#{1,6}[ \t]*/gm, "");

/**
 * The words of an answer without their dress: characters folded, the inside of `\boxed{...}` and of JSON's answer field
 * taken, Markdown, LaTeX and HTML marks removed, struck text dropped. Several boxes or fields stay, one a line.
 */
export const plainAnswer = (text: string): string => {
  const folded = foldCharacters(text.replace(/```[ \t]*\w*[ \t]*(?=\n|$)/g, "\n"));
  const boxed = boxedContents(folded);
  const inside = boxed.length > 0 ? [...new Set(boxed.map((one) => one.trim()))].join("\n") : folded;
  return withoutMarks(withoutLatex(withSpokenTables(jsonAnswer(inside) ?? inside))).trim();
};
