import { labelledOptions } from "./labelled-options.ts";
import { optionLetter } from "./options.ts";

/** A benchmark's own way to judge a completion, errors included, for comparison with published numbers only. */
export interface OfficialVerdict {
  readonly correct: boolean;
  /** What the official script read, in its own form ("" or null when it read nothing). */
  readonly parsed: string | null;
}

/** Judges one completion against the right option (0-based) among lettered options. */
export type OfficialJudge = (
  completion: string,
  answerIndex: number,
  options: readonly string[],
) => OfficialVerdict;

const byLetter =
  (read: (completion: string) => string | null): OfficialJudge =>
  (completion, answerIndex) => {
    const parsed = read(completion);
    return { correct: parsed === optionLetter(answerIndex), parsed };
  };

/**
 * The first letter of the first word, between brackets if there are any; no case folding, so "b" and "The answer is B" are wrong.
 *
 * @source THUDM/MotionBench@dcc9b07, `polish_answer`
 */
export const motionBenchLetter = (completion: string): string => {
  let text = completion.trim();
  const close = text.indexOf(")");
  if (close >= 0) text = text.slice(0, close);
  const open = text.indexOf("(");
  if (open >= 0) text = text.slice(open + 1);
  return (text.trim().split(" ")[0] ?? "").slice(0, 1);
};

const withoutLeadIns = (completion: string): string => {
  let text = completion.trim();
  for (const lead of [
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "Answer:",
    "Option:",
  ])
    text = text.replaceAll(lead, "");
  return text;
};

/**
 * The first A-D anywhere, also inside a word, after some lead-ins are cut away.
 *
 * @source open-compass/VLMEvalKit@e8e78f0, regular expression for Video-MME
 */
export const videoMmeLetter = (completion: string): string =>
  /[ABCD]/.exec(withoutLeadIns(completion))?.[0] ?? "";

/**
 * The first lone A-D of the last line, so the article "A" counts.
 *
 * @source Kimyounggun99/VRU-Accident@c5d84f6, Qwen path
 */
export const vruAccidentLetter = (completion: string): string | null => {
  const line = completion.trimEnd().split("\n").at(-1)!;
  return /\b[A-D]\b/.exec(line)?.[0] ?? /Answer:\s*\(?([A-D])\)?/.exec(line)?.[1] ?? null;
};

/**
 * The first lone letter of the text in upper case, so the word "a" is an answer.
 *
 * @source LJungang/RTV-Bench@a928cbe
 */
export const rtvBenchLetter = (completion: string): string => {
  const text = completion.trim().toUpperCase();
  const lone = /\b([A-D])\b/.exec(text)?.[1] ?? /(?:OPTION|ANSWER)\s*:?\s*([A-D])/.exec(text)?.[1];
  if (lone !== undefined) return lone;
  return /^[A-D]/.test(text) ? text.slice(0, 1) : "Unknown";
};

/** @source OpenGVLab/Ask-Anything@4dd8210, `check_ans`: substring either way, so an empty answer is correct */
const mvBench: OfficialJudge = (completion, answerIndex) => {
  const gold = `(${optionLetter(answerIndex).toLowerCase()})`;
  const first = completion.toLowerCase().split(" ")[0]!;
  const read = first.replaceAll(".", "");
  return { correct: gold.includes(read) || first.includes(gold), parsed: read };
};

/**
 * What a response file holds is the letter that the generating script read; anything else is wrong.
 *
 * @source Kimyounggun99/VRU-Accident@c5d84f6, response files and published accuracies
 */
const vruAccidentResponse: OfficialJudge = (completion, answerIndex) => ({
  correct: completion === optionLetter(answerIndex),
  parsed: /^[A-D]$/.test(completion) ? completion : null,
});

/**
 * The text before the first space without the full stops behind it, compared without case.
 *
 * @source vision-x-nyu/thinking-in-space@51e089c, as the design note on benchmarks describes it
 */
const vsiBench: OfficialJudge = (completion, answerIndex) => {
  const parsed = (completion.split(" ")[0] ?? "").replace(/\.+$/, "");
  return { correct: parsed.toLowerCase() === optionLetter(answerIndex).toLowerCase(), parsed };
};

/**
 * The character before the first closing bracket: the prompt ends in "(".
 *
 * @source JUNJIE99/MLVU@fd060c1, as the design note on benchmarks describes it
 */
export const mlvuLetter = (completion: string): string => {
  const close = completion.indexOf(")");
  return close <= 0 ? "" : completion[close - 1]!;
};

/**
 * The first A-E anywhere, after some lead-ins are cut away.
 *
 * @source longvideobench/LongVideoBench@fc3c553, as the design note on benchmarks describes it
 * @differs the original draws a random letter where it finds none; here nothing is read
 */
export const longVideoBenchLetter = (completion: string): string =>
  /[ABCDE]/.exec(withoutLeadIns(completion))?.[0] ?? "";

/**
 * A letter in round brackets, a boxed one, a lone one, or one behind "option" or "answer", tried in this order and
 * without case.
 *
 * @source VisionXLab/Moment-Video@47fddcc, as the design note on benchmarks describes it
 */
export const momentVideoLetter = (completion: string): string | null => {
  const text = completion.trim();
  const found =
    /\(\s*([a-z])\s*\)/i.exec(text) ??
    /\\boxed\{\s*\(?([a-z])\)?\s*\}/i.exec(text) ??
    /^([a-z])[.)]?$/i.exec(text) ??
    /(?:option|answer)\s*(?:is)?\s*:?\s*([a-z])\b/i.exec(text);
  return found?.[1]?.toUpperCase() ?? null;
};

/** What TempCompass's rules read before its language model is asked: 0-based, null for nothing. */
const readTempCompass = (text: string, options: readonly string[]): number | null => {
  if (options.join() === "yes,no") {
    const at = options.findIndex((option) => text.toLowerCase().startsWith(option));
    return at < 0 ? null : at;
  }
  const labelled = labelledOptions(options);
  if (labelled !== null) {
    const at = options.findIndex((option, index) =>
      [option, labelled.labels[index], labelled.texts[index]].includes(text),
    );
    return at < 0 ? null : at;
  }
  const whole = options.findIndex((option, index) => text === `${optionLetter(index)}. ${option}`);
  if (whole >= 0) return whole;
  const letter = /^([A-D])(?:$|[.)])/.exec(text)?.[1];
  return letter === undefined ? null : letter.charCodeAt(0) - 65;
};

/**
 * Multiple choice: the whole option with its letter, a lone A-D, or a text that begins "A." or "A)". Yes or no: what the
 * text begins with, so "Not sure" is no. Caption matching: the whole option, its label or its sentence, and nothing else.
 *
 * @source llyx97/TempCompass@e1b4631 with its language model switched off, as the design note describes it
 */
const tempCompass: OfficialJudge = (completion, answerIndex, options) => {
  const at = readTempCompass(completion.trim(), options);
  return { correct: at === answerIndex, parsed: at === null ? null : optionLetter(at) };
};

/**
 * The first standalone capital letter of an option, a letter at the start, or the one option whose text is contained.
 *
 * @source EvolvingLMMs-Lab/lmms-eval@75571cf, TVBench task, as the design note on benchmarks describes it
 */
const tvBench: OfficialJudge = (completion, answerIndex, options) => {
  const letters = options.map((_, index) => optionLetter(index)).join("");
  const text = completion.trim();
  const lone =
    new RegExp(`\\b([${letters}])\\b`).exec(text)?.[1] ?? new RegExp(`^([${letters}])`).exec(text)?.[1];
  const held = options.flatMap((option, index) =>
    text.toLowerCase().includes(option.toLowerCase()) ? [optionLetter(index)] : [],
  );
  const parsed = lone ?? (held.length === 1 ? held[0]! : null);
  return { correct: parsed === optionLetter(answerIndex), parsed };
};

/**
 * A letter in round brackets, or the letter the text begins with.
 *
 * @source PolyU-ChenLab/ETBench@445f620, as the design note on benchmarks describes it
 * @differs the original goes on to the option nearest by sentence similarity; here nothing is read then
 */
export const etBenchLetter = (completion: string): string | null => {
  const text = completion.trim();
  return (
    (/\(([A-Za-z])\)/.exec(text)?.[1] ?? /^([A-Za-z])(?![A-Za-z])/.exec(text)?.[1])?.toUpperCase() ?? null
  );
};

/** Official judges by benchmark name. Wrong where the originals are wrong; strict grading is `gradeAnswer`. */
export const officialJudges: Readonly<Record<OfficialRule, OfficialJudge>> = {
  motionbench: byLetter(motionBenchLetter),
  "video-mme": byLetter(videoMmeLetter),
  "vru-accident": byLetter(vruAccidentLetter),
  "rtv-bench": byLetter(rtvBenchLetter),
  mvbench: mvBench,
  "vru-accident-response": vruAccidentResponse,
  "vsi-bench": vsiBench,
  mlvu: byLetter(mlvuLetter),
  longvideobench: byLetter(longVideoBenchLetter),
  "moment-video": byLetter(momentVideoLetter),
  tempcompass: tempCompass,
  tvbench: tvBench,
  "et-bench": byLetter(etBenchLetter),
};

/** Benchmarks whose own scoring rule is reproduced; LVBench's is MotionBench's. */
export type OfficialRule =
  | "motionbench"
  | "video-mme"
  | "vru-accident"
  | "vru-accident-response"
  | "rtv-bench"
  | "mvbench"
  | "vsi-bench"
  | "mlvu"
  | "longvideobench"
  | "moment-video"
  | "tempcompass"
  | "tvbench"
  | "et-bench";
