/** A text that names an option in words and then takes it back: "3 times. Correction: 2 times." */

const CUE =
  /(?:\bwait\b|\bcorrection\b|\bsorry\b|\bscratch that\b|\blet me (?:re-?count|re-?check|correct)\b[^.!?\n]*|\bon (?:second thought|reflection)\b|(?:—|–|\.\.\.|…|-)\s*no(?=\s*[,:;.—–-]))[\s,.:;!—–-]*/gi;
const LEAD =
  /^(?:[\s"'(,.:;—–-]|\b(?:so|thus|hence|therefore|actually|rather|it|that|this|there|the|he|she|they|i|mean|counts?|see|answer|final|happens|is|are|was|were|be|should|must|it's|that's)\b)*/i;

/**
 * What stands behind a text's last correction, as its last sentence without the words that lead in; null without a
 * correction, without anything in front of it or behind it, or where that is a question.
 */
export const behindCorrection = (text: string): { readonly before: string; readonly last: string } | null => {
  const cue = [...text.matchAll(CUE)].at(-1);
  if (cue === undefined || cue.index === 0) return null;
  const after = text.slice(cue.index + cue[0].length).trim();
  const sentence = after.split(/(?<=[.!?])\s+|\n+/).at(-1) ?? "";
  const last = sentence.replace(LEAD, "").replace(/[.!"')\s]+$/, "");
  return last === "" || sentence.endsWith("?") ? null : { before: text.slice(0, cue.index), last };
};
