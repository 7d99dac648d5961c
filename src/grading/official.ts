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

/**
 * The first A-D anywhere, also inside a word, after some lead-ins are cut away.
 *
 * @source open-compass/VLMEvalKit@e8e78f0, regular expression for Video-MME
 */
export const videoMmeLetter = (completion: string): string => {
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
  return /[ABCD]/.exec(text)?.[0] ?? "";
};

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
 * The whole option, a bare capital letter, or a letter with a full stop or bracket at the start; anything else is wrong,
 * as with the script's `--disable_llm`.
 *
 * @source llyx97/TempCompass@e1b4631, `eval_multi-choice.py`
 */
const tempCompass: OfficialJudge = (completion, answerIndex, options) => {
  const text = completion.replaceAll("</s>", "");
  const letter = optionLetter(answerIndex);
  if (text === `${letter}. ${options[answerIndex]}`) return { correct: true, parsed: letter };
  const read = /^([A-D])(?:$|[.)])/.exec(text)?.[1] ?? null;
  return { correct: read === letter, parsed: read };
};

/** Official judges by benchmark name. Wrong where the originals are wrong; strict grading is `gradeAnswer`. */
export const officialJudges: Readonly<Record<OfficialRule, OfficialJudge>> = {
  motionbench: byLetter(motionBenchLetter),
  "video-mme": byLetter(videoMmeLetter),
  "vru-accident": byLetter(vruAccidentLetter),
  "rtv-bench": byLetter(rtvBenchLetter),
  mvbench: mvBench,
  "vru-accident-response": vruAccidentResponse,
  tempcompass: tempCompass,
};

/** Benchmarks whose own scoring rule is reproduced. */
export type OfficialRule = "motionbench" | "video-mme" | "vru-accident" | "rtv-bench" | "mvbench" | "vru-accident-response" | "tempcompass";
