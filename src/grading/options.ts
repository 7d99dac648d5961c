import { answerPart } from "./answer-part.ts";
import { behindCorrection } from "./corrected-text.ts";
import type { Extracted } from "./extracted.ts";
import { inEnglish } from "./foreign-words.ts";
import { labelledOptions, withLetterLabels } from "./labelled-options.ts";
import {
  announcedTexts,
  type LetterClaim,
  type LetterClaims,
  letterClaims,
  namedLetters,
} from "./letter-claims.ts";
import { lineClaims, loneLetter } from "./letter-lines.ts";
import { isLeftOpen } from "./letter-predicates.ts";
import { type OptionNames, optionNames } from "./letters.ts";
import { plainAnswer } from "./markup.ts";
import { inOneForm, inOptionsWriting } from "./option-rewording.ts";
import { type OptionTexts, optionTexts, statedOption, wholeOption } from "./option-texts.ts";
import { CORRECTION } from "./polarity.ts";

/** Letter of the option at a position: 0 is A. */
export const optionLetter = (index: number): string => String.fromCharCode(65 + index);

const BESIDE = /\b(?:but|though|although|however|otherwise|or|alternatively)\b/i;
const TURN = /\b(?:but|however|instead|rather|yet)\b/i;

/** The last of different assertions, where the text takes the earlier ones back; null where it contradicts itself. */
const lastCorrected = (text: string, claims: readonly LetterClaim[]): LetterClaim | null => {
  const ordered = [...claims].sort((a, b) => a.start - b.start);
  const last = ordered.at(-1)!;
  const other = ordered.filter(({ indices }) => indices[0] !== last.indices[0]).at(-1)!;
  const between = text.slice(other.end, last.start);
  const tentative = other.rule === "final-answer" || other.rule === "chosen";
  const corrected = CORRECTION.test(between) || (tentative && TURN.test(between));
  return corrected ? last : null;
};

/** One option out of all that is said by letters; null value where that is none or several, null without any claim. */
const settle = (
  text: string,
  names: OptionNames,
  { asserted, rejected, possible }: LetterClaims,
): Extracted<number> | null => {
  if (asserted.some(({ indices }) => indices.length > 1)) return { value: null, rule: "several-letters" };
  const denied = new Set(rejected.flatMap(({ indices }) => indices));
  const kept = asserted.filter(({ indices }) => !denied.has(indices[0]!));
  if (kept.length === 0) {
    if (asserted.length > 0 || denied.size > 0) return { value: null, rule: "rejected" };
    return possible.length > 0 ? { value: null, rule: "uncertain" } : null;
  }
  const distinct = new Set(kept.map(({ indices }) => indices[0]!));
  const chosen = distinct.size === 1 ? kept[0]! : lastCorrected(text, kept);
  if (chosen === null) return { value: null, rule: "several-letters" };
  const index = chosen.indices[0]!;
  const isRival = ({ indices }: { readonly indices: readonly number[] }): boolean =>
    indices.some((other) => other !== index && !denied.has(other));
  const rivals = possible.filter(({ end }) => end > chosen.start).some(isRival);
  // "The answer is A. Wait, B ..." names another option after taking the first one back.
  const doubt = CORRECTION.exec(text.slice(chosen.end));
  const replaced =
    doubt !== null &&
    namedLetters(text, names).some((group) => group.start > chosen.end + doubt.index && isRival(group));
  // "B, but C ..." leaves both standing unless C is denied.
  const sentence = /^[^.!?\n]*/.exec(text.slice(chosen.end))![0];
  const beside = BESIDE.exec(sentence);
  const qualified =
    beside !== null &&
    namedLetters(text, names).some(
      (group) =>
        group.start > chosen.end + beside.index &&
        group.start < chosen.end + sentence.length &&
        isRival(group),
    );
  if (rivals || replaced || qualified) return { value: null, rule: "several-letters" };
  return { value: index, rule: chosen.rule };
};

/** True when an asserted letter stands before the wording of another option, in its line or as the whole next one. */
const contradictsText = (
  text: string,
  names: OptionNames,
  texts: OptionTexts,
  { indices, end }: LetterClaim,
): boolean => {
  const [rest = "", ...lines] = text.slice(end).split("\n");
  const below = lines.find((line) => line.trim() !== "");
  const other = below === undefined || /[\p{L}\p{N}]/u.test(rest) ? null : wholeOption(texts, below);
  if (other !== null && other !== indices[0]) return true;
  const own = names.textLength(rest, indices[0]!);
  return Array.from({ length: names.count }, (_, index) => names.textLength(rest, index)).some(
    (length, index) => index !== indices[0] && length > own,
  );
};

const readByLetters = (text: string, names: OptionNames, texts: OptionTexts): Extracted<number> | null => {
  const said = letterClaims(text, names);
  const lines = lineClaims(text, names);
  const placed = lines.claims.filter(({ end }) => !isLeftOpen(text.slice(end)));
  const asserted = [...said.asserted, ...placed].filter(
    ({ start }) => !said.rejected.some((one) => one.start === start),
  );
  if (asserted.some((one) => one.indices.length === 1 && contradictsText(text, names, texts, one)))
    return { value: null, rule: "letter-and-text-differ" };
  const settled = settle(text, names, { ...said, asserted });
  if (settled !== null) return settled;
  if (placed.length < lines.claims.length) return { value: null, rule: "uncertain" };
  return lines.listed ? { value: null, rule: "several-letters" } : null;
};

/** The option whose wording, or a sentence with it, follows a lead-in ("the answer is walk"); null without one. */
const readAnnounced = (texts: OptionTexts, text: string): Extracted<number> | null => {
  const stated = announcedTexts(text).map((at) =>
    statedOption(texts, text.slice(at).split(/(?<=[.!?;])\s|\n/)[0]!),
  );
  const values = new Set(stated.flatMap(({ value }) => value ?? []));
  if (values.size === 0) return null;
  return values.size === 1
    ? { value: [...values][0]!, rule: "final-answer" }
    : { value: null, rule: "several-texts" };
};

/** The option that a text ends with after it took another one back ("A... no, D", "3 times. Correction: 2 times"). */
const readCorrected = (texts: OptionTexts, names: OptionNames, text: string): Extracted<number> | null => {
  const { before, last } = behindCorrection(text) ?? {};
  if (before === undefined || last === undefined) return null;
  const read = (said: string): number | null =>
    loneLetter(said, names) ?? wholeOption(texts, said.replace(/\s+times?$/i, ""));
  const value = read(last);
  const first = read(before.replace(/[\s.…,—–-]+$/, "")) ?? statedOption(texts, before).value;
  return value === null || first === null ? null : { value, rule: "corrected" };
};

const NONE = /^\W*none of (?:the above|these|the others?|the options)\W*$/i;
const SAYS_NONE =
  /(?<!\bnot\s)\bnone of (?:the above|these|the (?:given|other|listed|first)|the options)(?:\s+(?:options?|orders?|choices?|answers?|applies|apply|is|are|match(?:es)?|fits?|describes?|happens?)\b|\s*(?:$|[.,;:!()]))/i;

/** The option "none of the above" where a text says so in a sentence. */
const readNone = (options: readonly string[], text: string): Extracted<number> | null => {
  const none = options.flatMap((option, index) => (NONE.test(option) ? [index] : []));
  if (
    none.length !== 1 ||
    !SAYS_NONE.test(text) ||
    /\?|\b(?:if|unless|maybe|perhaps|could|might)\b/i.test(text)
  )
    return null;
  return { value: none[0]!, rule: "none-of-them" };
};

/** What a text without letters says: in its own words, brought to the options' form, or behind its correction. */
const readWords = (
  options: readonly string[],
  texts: OptionTexts,
  names: OptionNames,
  text: string,
): Extracted<number> => {
  const said = inOptionsWriting(text, options);
  const read = readAnnounced(texts, said) ?? statedOption(texts, said);
  if (read.value !== null) return read;
  const form = read.rule === "nothing-found" ? inOneForm(said, options) : null;
  const retold = form === null ? read : statedOption(optionTexts(form.options), form.text);
  if (retold.value !== null) return { value: retold.value, rule: "other-form" };
  return readCorrected(texts, names, said) ?? readNone(options, said) ?? read;
};

/**
 * Which option a completion names, 0-based, or null: nothing is guessed. In order: reasoning, special tokens and dress
 * (Markdown, LaTeX, JSON) are taken off; the whole answer is an option's wording, or a letter; letters that the text
 * asserts ("the answer is C", "B is correct", a letter alone on the first or last line, "B because ..."), which must
 * agree, unless the text corrects itself, and must be neither rejected, doubted, joined with others nor followed by
 * another option's wording; without letters, the one option that a sentence names and none denies.
 * Where options bear labels of their own ("Caption A: ..."), these are letters.
 *
 * @source design note on answer extraction (strict proposal); golden strings in test/golden/grading.test.ts
 * @differs letters that contradict each other give null where the proposal takes the last one
 */
export const extractOption = (completion: string, options: readonly string[]): Extracted<number> => {
  const labelled = labelledOptions(options);
  if (labelled !== null) return extractOption(withLetterLabels(completion, labelled), labelled.texts);
  // Behind "Q: ..." an "A:" is no option.
  const text = plainAnswer(answerPart(completion)).replace(
    /^(Q(?:uestion)?\s*:[^\n]*\n+)\s*A(?:nswer)?\s*:/i,
    "$1Answer:",
  );
  if (text === "") return { value: null, rule: "empty" };
  const names = optionNames(options);
  const texts = optionTexts(options);
  const alone = /^[A-Za-z]$/.test(text.replace(/[^\p{L}\p{N}]/gu, "")) ? loneLetter(text, names) : null;
  const whole = wholeOption(texts, text);
  // "A lifts the cart" is no noun with its article: the letter and another option's wording.
  const clause = /^A\s+(\p{L}+s\s+\S[\s\S]*)$/u.exec(text)?.[1];
  if (clause !== undefined && whole !== null && whole !== 0 && wholeOption(texts, clause) === whole)
    if (!/^an?\s/i.test(options[whole]!)) return { value: null, rule: "letter-and-text-differ" };
  if (alone !== null && whole !== null && alone !== whole)
    return { value: null, rule: "letter-and-text-differ" };
  if (alone !== null) return { value: alone, rule: "whole-letter" };
  if (whole !== null) return { value: whole, rule: "whole-text" };
  const byLetters = readByLetters(inEnglish(text), names, texts);
  if (byLetters !== null) return byLetters;
  return readWords(options, texts, names, text);
};
