import { foldCharacters } from "./markup.ts";

/** One option's letter as it is written in a text. */
export interface WrittenLetter {
  /** 0-based option. */
  readonly index: number;
  readonly start: number;
  /** Behind the letter and its closing brackets and quotes. */
  readonly end: number;
  /** Between brackets, so that no word can be meant. */
  readonly bracketed: boolean;
  readonly lower: boolean;
}

/** Letters that are named together: one, or several of which none is chosen. */
export interface LetterGroup {
  readonly indices: readonly number[];
  readonly start: number;
  readonly end: number;
  readonly bracketed: boolean;
  readonly lower: boolean;
  /** Where the letters before the last semicolon or dash end, when there is one between them. */
  readonly brokenAt: number | null;
  /** How many letters stand before that. */
  readonly unbroken: number;
}

/** How many options there are, and how much of a text's beginning is the wording of one (0: none). */
export interface OptionNames {
  readonly count: number;
  readonly textLength: (rest: string, index: number) => number;
}

/** Names of options, with marks, quotes and articles allowed in front of their wording. */
export const optionNames = (options: readonly string[]): OptionNames => {
  const patterns = options.map((option) => {
    const words = foldCharacters(option)
      .trim()
      .replace(/[.!?;,]+$/, "")
      .split(/\s+/)
      .map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    if (words.join("") === "") return null;
    return new RegExp(
      `^(?:[\\s"'():.,;=→>]|[-–—](?=\\s))*(?:(?:an?|the)\\s+)?${words.join("\\s+")}(?![\\p{Script=Latin}\\p{N}])["')]*`,
      "iu",
    );
  });
  return {
    count: options.length,
    textLength: (rest, index) => patterns[index]?.exec(rest)?.[0].length ?? 0,
  };
};

const FOLLOWS_A =
  /^(?:because|since|as|is|was|are|were|which|that|for|due|given|based|and|or|but|nor|not|rather|instead|over|with|here|would|will|must|should|could|can|cannot|may|might|seems|appears|fits|matches|too|also|if|when|in|on|by|from|then|than|while|though|although|so|plus|versus|vs|isn't|wasn't|can't|doesn't|und|oder|ou|et)$/i;
const FOLLOWS_I = /^(?:because|since|is|was|which|due|given|based|and|or|und|oder|ou|et)$/i;

/** True when a bare letter is the start of ordinary words: "a dog", "A man", "I think". */
const isWord = (letter: string, rest: string): boolean => {
  const next = /^[^\S\n]+['"]?([\p{L}\p{N}][\p{L}\p{N}'’]*)/u.exec(rest)?.[1];
  if (next === undefined || /^[A-Z]$/.test(next)) return false;
  if (letter === "I" || letter === "i") return !FOLLOWS_I.test(next);
  return (letter === "A" || letter !== letter.toUpperCase()) && !FOLLOWS_A.test(next);
};

const OPENERS = new Set(["(", "[", "{", "<"]);
const CLOSERS = new Set([")", "]", "}", ">"]);
const isQuote = (mark: string | undefined): boolean => mark === '"' || mark === "'";
const isSpace = (mark: string | undefined): boolean => mark !== undefined && /[^\S\n]/.test(mark);

/** The option letter that stands at `at`, behind spaces, quotes and brackets; null when something else stands there. */
export const readLetter = (text: string, at: number, names: OptionNames): WrittenLetter | null => {
  let start = at;
  let opened = false;
  while (/[\s"'([{<]/.test(text[start] ?? "")) opened = OPENERS.has(text[start++]!) || opened;
  const letter = text[start] ?? "";
  if (!/[A-Za-z]/.test(letter) || /[\p{Script=Latin}\p{N}_]/u.test(text[start - 1] ?? "")) return null;
  const index = letter.toUpperCase().charCodeAt(0) - 65;
  if (index >= names.count) return null;
  let end = start + 1;
  let closed = false;
  for (;;) {
    let next = end;
    if (opened) while (isSpace(text[next])) next++;
    if (isQuote(text[next]) && !/\p{L}/u.test(text[next + 1] ?? "")) end = next + 1;
    else if (CLOSERS.has(text[next] ?? "") && (opened || text[next] === ")" || text[next] === "]")) {
      closed = true;
      end = next + 1;
    } else break;
  }
  const bracketed = opened && closed;
  const rest = text.slice(end);
  if (!bracketed) {
    if (!closed && /^(?:[\p{Script=Latin}\p{N}_]|['’]\p{L}|\+\+|#|[-‐]\p{L}{2}|\.\p{L}\.|\.\d)/u.test(rest))
      return null;
    if (!closed && /\p{L}\.$/u.test(text.slice(0, start))) return null;
    const named = /(?:option|choice|letter|statement)\s+["'(]*$/i.test(
      text.slice(Math.max(0, start - 14), start),
    );
    if (!closed && !named && isWord(letter, rest) && names.textLength(rest, index) === 0) return null;
  }
  return { index, start, end, bracketed, lower: letter !== letter.toUpperCase() };
};

const WORDS_BETWEEN =
  "or|and|nor|maybe|perhaps|possibly|also|even|then|to|plus|vs|versus|alternatively|either|both|options?|choices?|answers?|letter|as well as|along with|together with|followed by|und|oder|et|ou|y|o|e|и|или|OR|AND|Or|And|Maybe";
const BETWEEN = new RegExp(
  `(?:[^\\S\\n]|[,;/&+|(>~→–—‐-]|(?<![\\p{L}])(?:${WORDS_BETWEEN})(?![\\p{L}.]))+`,
  "uy",
);

/** The letters that stand together from `at` on ("B", "A, C", "(A)(C)", "B or maybe C"); null when none does. */
export const readLetters = (text: string, at: number, names: OptionNames): LetterGroup | null => {
  const first = readLetter(text, at, names);
  if (first === null) return null;
  const indices = [first.index];
  let last = first;
  let broken: { at: number; letters: number } | null = null;
  for (;;) {
    const own = names.textLength(text.slice(last.end).split("\n")[0]!, last.index);
    let between: RegExpExecArray | null = null;
    let behind = last.end;
    // "A. run, C. jump" names two: the wording of a letter may stand between it and the next.
    for (const end of own > 0 ? [last.end + own, last.end] : [last.end]) {
      BETWEEN.lastIndex = end;
      between = BETWEEN.exec(text);
      behind = end;
      if (between !== null && readLetter(text, end + between[0].length, names) !== null) break;
    }
    if (between === null && !last.bracketed) break;
    const from = behind + (between?.[0].length ?? 0);
    if (text[from] === "\n") break;
    // "o", "e" and "y" join letters in some languages and are letters themselves.
    const lone = /(?<!\p{L})[oey][^\p{L}]*$/u.exec(between?.[0] ?? "");
    const next =
      readLetter(text, from, names) ?? (lone === null ? null : readLetter(text, behind + lone.index, names));
    if (next === null || (next.lower && !first.lower && !next.bracketed)) break;
    if (/[;—–]/.test(between?.[0] ?? "")) broken = { at: last.end, letters: indices.length };
    indices.push(next.index);
    last = next;
  }
  return {
    indices: [...new Set(indices)],
    start: first.start,
    end: last.end,
    bracketed: first.bracketed,
    lower: first.lower,
    brokenAt: broken?.at ?? null,
    unbroken: broken?.letters ?? indices.length,
  };
};

/** A group without the letters behind its last semicolon or dash: "B; A and C are wrong" says B. */
export const beforeBreak = (group: LetterGroup): LetterGroup =>
  group.brokenAt === null
    ? group
    : { ...group, indices: group.indices.slice(0, group.unbroken), end: group.brokenAt, brokenAt: null };
