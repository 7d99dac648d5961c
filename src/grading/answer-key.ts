import { foldCharacters } from "./markup.ts";

const UNITS: Readonly<Record<string, string>> = {
  sec: "s",
  secs: "s",
  second: "s",
  seconds: "s",
  s: "s",
  ms: "ms",
  msec: "ms",
  millisecond: "ms",
  milliseconds: "ms",
  min: "min",
  mins: "min",
  minute: "min",
  minutes: "min",
  h: "h",
  hr: "h",
  hrs: "h",
  hour: "h",
  hours: "h",
  m: "m",
  metre: "m",
  metres: "m",
  meter: "m",
  meters: "m",
  cm: "cm",
  mm: "mm",
  km: "km",
  kg: "kg",
  g: "g",
  fps: "fps",
  hz: "hz",
  px: "px",
  mph: "mph",
  kmh: "km/h",
  "km/h": "km/h",
  "m/s": "m/s",
  percent: "%",
  "%": "%",
  "°": "°",
  degrees: "°",
  degree: "°",
  "°c": "°c",
  "°f": "°f",
};
const ARTICLES = new Set(["a", "an", "the"]);

const speedUnit = (written: string, way: string, time: string): string => {
  const unit = `${/^k/i.test(way) ? "km" : /^mi/i.test(way) ? "mile" : "m"}/${time[0]!.toLowerCase()}`;
  return unit === "mile/h" ? "mph" : unit === "km/h" || unit === "m/s" ? unit : written;
};

const NUMBER = String.raw`(?:(?<![\p{L}\p{N})\]])[-+])?(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\p{L}\p{N}])\.\d+)`;
const TOKEN = new RegExp(
  [
    String.raw`[$€£¥]?${NUMBER}(?:[:/~]\d+(?:\.\d+)?)*(?:\s*[%°][cf]?)?(?:[ ]?\p{L}+(?:\/\p{L}+)?)?`,
    String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]`,
    String.raw`(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}])[\p{L}\p{N}\p{M}_])+(?:\/(?:\p{L}|\p{N})+)*(?:\+\+|#)?`,
    "->|<-|=>|[<>=≤≥≠×÷+*^→←↑↓~|&]",
  ].join("|"),
  "gu",
);

/** A number's one writing: no sign for plus, no separators, no zeros behind; its unit glued on when it is one. */
const numberToken = (token: string): string[] => {
  const match = /^([$€£¥]?)([-+]?[\d,]*\.?\d*)((?:[:/~]\d+(?:\.\d+)?)*)\s*([%°][cf]?)?[ ]?(.*)$/u.exec(
    token,
  )!;
  const [, currency, written, more, mark, tail] = match;
  const value = Number(written!.replaceAll(",", ""));
  // "01" may be a lost decimal point.
  const asWritten = more !== "" || /^[-+]?0\d/.test(written!);
  const number = `${currency}${asWritten ? written : value || 0}${more}${mark ?? ""}`;
  if (tail === "") return [number];
  const unit = UNITS[tail!];
  if (unit !== undefined) return [`${number}${unit}`];
  return /\s/.test(token) ? [number, tail!] : [`${number}${tail}`];
};

/**
 * The words of an answer for comparison: lower case, without punctuation and articles. What changes the meaning stays:
 * signs, decimal points, units, per cent, fractions, clock times, comparison marks and arrows ("-1" is not "1", "2.5" not
 * "25", "5 ms" not "5 m/s"). Equal numbers are written equally ("2.50", "2.5").
 */
export const answerWords = (text: string): string[] => {
  const folded = foldCharacters(text)
    .replace(/(?<=\p{L})'(?=\p{L})/gu, "")
    .replace(/[−–](?=\d)/g, "-")
    .replace(/\b(kilomet(?:er|re)|met(?:er|re)|mile|km|m)s?\s+(?:per|an)\s+(second|hour)\b/gi, speedUnit)
    .replace(/\b(?:minus|negative)\s+(?=\d)/gi, "-")
    .replace(/(?<=[\p{L}\p{N}])\s*\/\s*(?=[\p{L}\p{N}])/gu, "/")
    .replace(/(\d)(?:\s+-\s+|-)(?=\d)/g, "$1~");
  const written = [...folded.matchAll(TOKEN)];
  const words = written.flatMap(({ 0: token, index }) => {
    const lower = token.toLowerCase();
    if (/\d/.test(token) && !/^\p{L}/u.test(token)) return numberToken(lower);
    // "A" is an article before a word, at the start or in lower case; inside ("Type A") and in "A)" it names something.
    const before = /[\p{L}\p{N}]/u.test(folded.slice(0, index));
    const leads = /^\s+["']?[\p{L}\p{N}-]/u.test(folded.slice(index + token.length));
    return ARTICLES.has(lower) && leads && (token === lower || !before) ? [] : [lower];
  });
  return words.length === 0 ? written.map(({ 0: token }) => token.toLowerCase()) : words;
};

/** {@link answerWords} as one text: equal texts are equal answers. */
export const answerKey = (text: string): string => answerWords(text).join(" ");

const withoutHyphens = (text: string): string => text.replace(/(?<=\p{L})[-‐](?=\p{L})/gu, "");

/** True when two answers have the same words, also where only one of them parts a word by a hyphen ("ego-car", "egocar"). */
export const sameAnswer = (a: string, b: string): boolean => {
  const [keyA, keyB] = [answerKey(a), answerKey(b)];
  return keyA !== "" && (keyA === keyB || answerKey(withoutHyphens(a)) === answerKey(withoutHyphens(b)));
};
