import type { LetterClaim } from "./letter-claims.ts";
import { type LetterGroup, type OptionNames, readLetter, readLetters } from "./letters.ts";
import { clauseBefore, isDenied } from "./polarity.ts";

const DETERMINER = "(?:the\\s+)?(?:option|choice|letter)?\\s*:?\\s*";
const REFUSING = "?~¬❌✗✘✖⛔🚫👎";
const LONE = new RegExp(
  `^[^\\p{L}\\p{N}${REFUSING}!]*${DETERMINER}(["'([{<]*[A-Za-z](?!\\+|#)["')\\]}>]*)[^\\p{L}\\p{N}${REFUSING.replace("~", "")}]*$`,
  "iu",
);

/** The letter that is all there is in a line (or an answer); null when there is more, or a mark of rejection. */
export const loneLetter = (line: string, names: OptionNames): number | null => {
  const match = LONE.exec(line.trim());
  return match === null ? null : (readLetter(match[1]!, 0, names)?.index ?? null);
};

interface Line {
  readonly text: string;
  readonly start: number;
}

const linesOf = (text: string): Line[] =>
  [...text.matchAll(/[^\n]+/g)]
    .map((match) => ({ text: match[0], start: match.index }))
    .filter((line) => line.text.trim() !== "");

const opening = new RegExp(`^[\\s>•*→⇒-]*(?:\\d{1,2}[.)]\\s+)?${DETERMINER}`, "i");
const PREFERRED =
  /^[\s,(—–-]*(?:and\s+)?(?:not|instead\s+of|rather\s+than|over|as\s+opposed\s+to)\s+(?:(?:option|choice)\s+)?/i;
const mark = /^\s*[.):\]](?!\d)/;
const REASON =
  /^\s*[,;—–-]?\s*\(?(?:because|since|as(?!\s+(?:well|if|though)\b)|due|given|for|cause|it|he|she|they|the|there|this|that|we|I)\b/i;
const REFUSED =
  /^[\s.):\],;—–-]*(?:no(?=\s*(?:$|[.,;:!—–-])|\s+(?:he|she|it|they|this|that)\b)|not\b|wrong\b|incorrect\b|false\b|[❌✗✘✖⛔🚫👎?])/iu;

/** A line that begins with letters: which, and what follows them in the line. */
const openingLetters = (
  line: Line,
  names: OptionNames,
): { group: LetterGroup; rest: string; marked: boolean } | null => {
  const lead = opening.exec(line.text)![0];
  const group = readLetters(line.text, lead.length, names);
  if (group === null) return null;
  const closed = /[)\]]["']?$/.test(line.text.slice(group.start, group.end));
  const rest = line.text.slice(group.end);
  return { group, rest, marked: closed || mark.test(rest) };
};

const GROUNDED =
  /^\s*(?:because|based|given|since|from|as|considering|judging|looking|according|after|if\s+I\s+had|so|all\s+in\s+all|overall|in\s+(?:conclusion|summary|short))\b/i;

const JOINED = /(?:^|[\s("'[])[A-Za-z]["')\]]*\s*(?:,|\/|&|\+|\b(?:or|and|to|with|nor)\b)[\s("'[]*$/i;

/** Another lettered entry in the same line: "B: 0.8, C: 0.2". */
const SHARED = /[,;]\s*[([]?[A-Z][)\]]?\s*[:.](?=\s)/;

/** A letter that ends a text as a sentence of its own, or in brackets: "He is slow. B", "walk (B)". */
const closingClaim = ({ text, start }: Line, names: OptionNames): LetterClaim | null => {
  const own =
    /(?:\p{Ll}{2}|\b[Nn]ot [A-Z])["')]*([.!:;]|,(?=.{0,3}$))\s+(["'([]*[A-Z]["')\]]*)[.!]*\s*$/u.exec(text);
  const bracketed = /\s(\(\s*[A-Za-z]\s*\)|\[\s*[A-Za-z]\s*\])[.!]*\s*$/.exec(text);
  const written = own?.[2] ?? bracketed?.[1];
  if (written === undefined) return null;
  const at = text.lastIndexOf(written);
  const letter = readLetter(text, at, names);
  if (letter === null) return null;
  if (JOINED.test(text.slice(0, at))) return null;
  const before = text.slice(0, at).replace(/[\s:,]+$/, "");
  const parted = own?.[1] ?? "(";
  if (parted === "," && !GROUNDED.test(before.split(/[.!?;]/).at(-1)!)) return null;
  if ((parted === "(" || parted === ":") && isDenied(clauseBefore(before, before.length))) return null;
  const told = before.trim();
  const others = Array.from({ length: names.count }, (_, index) => index).filter(
    (index) => index !== letter.index && told !== "" && names.textLength(told, index) === told.length,
  );
  return {
    indices: [letter.index, ...others],
    start: start + letter.start,
    end: start + letter.end,
    rule: "closing-letter",
  };
};

/** True when a line's opening letters answer: alone, marked ("B."), with their own wording, or with a reason behind. */
const answers = (
  { group, rest, marked }: { group: LetterGroup; rest: string; marked: boolean },
  names: OptionNames,
  first: boolean,
): boolean => {
  const own = group.indices.length === 1 && names.textLength(rest, group.indices[0]!) > 0;
  const preferred = PREFERRED.exec(rest);
  if (preferred !== null && readLetter(rest, preferred[0].length, names) !== null) return first;
  // "A. No" among yes and no names two options; that is seen where claims are compared with texts.
  const other = Array.from({ length: names.count }, (_, index) => names.textLength(rest, index)).some(
    Boolean,
  );
  if (REFUSED.test(rest) && !own) return other;
  const second = marked ? readLetters(rest.replace(mark, " "), 0, names) : null;
  const shared = SHARED.exec(rest);
  if (shared !== null && readLetter(rest, shared.index + 1, names) !== null) return false;
  if (second !== null && /^[\s.):\]!]*$/.test(rest.replace(mark, " ").slice(second.end))) return false;
  if (/^[\s"'!.]*$/.test(rest) || own) return true;
  if (marked && !(group.lower && !/^\s*[).:\]]\s/.test(`)${rest}`) && !group.bracketed)) return true;
  if (!first) return false;
  return (!group.lower && /^\s*[,;!]|^\s+[—–=→-]\s/.test(rest)) || REASON.test(rest) || /^\s*\(/.test(rest);
};

/** What the places of letters say, and whether the options are repeated as a list. */
export interface LineClaims {
  readonly claims: readonly LetterClaim[];
  readonly listed: boolean;
}

/**
 * Letters that answer by where they stand: at the start of the text or of the only line that begins with one, alone on
 * the first or last line, at the very end. Two and more lettered lines are the options repeated and answer nothing; a
 * first line that is out of their order ("B. ...", then "A. ...", "C. ...") is none of them.
 */
export const lineClaims = (text: string, names: OptionNames): LineClaims => {
  const lines = linesOf(text);
  const claims: LetterClaim[] = [];
  const opened = lines.map((line) => openingLetters(line, names));
  const isAlone = (rest: string): boolean => /^[\s"'!.)\]]*$/.test(rest);
  const lettered = opened.filter((one) => one?.marked && !isAlone(one.rest));
  const listed = new Set(lettered.map((one) => one!.group.indices[0])).size > 1;
  const heads =
    listed && lettered[0] === opened[0] && lettered[0]!.group.indices[0]! > lettered[1]!.group.indices[0]!;
  lines.forEach((line, i) => {
    const at = opened[i] ?? null;
    if (at === null) return;
    const ends = i === 0 || i === lines.length - 1;
    const alone = isAlone(at.rest);
    if (alone ? !ends : listed && at.marked && !(heads && i === 0)) return;
    if (!alone && !at.marked && !ends) return;
    if (!answers(at, names, i === 0)) return;
    const { group } = at;
    claims.push({
      indices: group.indices,
      start: line.start + group.start,
      end: line.start + group.end,
      rule: alone ? "letter-line" : "line-letter",
    });
  });
  const last = lines.at(-1);
  const closing = last === undefined ? null : closingClaim(last, names);
  if (closing !== null && !claims.some(({ start }) => start === closing.start)) claims.push(closing);
  return { claims, listed };
};
