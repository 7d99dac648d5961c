/** The multiple-choice question by which a caption is judged, and its right option, "A. a jump". */
export interface CaptionReference {
  readonly question: string;
  readonly answer: string;
}

const MARK = "\nAnswer: ";

/** The reference of a caption, as a record keeps it and a scorer is sent it. */
export const writeCaptionReference = ({ question, answer }: CaptionReference): string =>
  `${question}${MARK}${answer}`;

/** Null for a text that is no such reference. */
export const readCaptionReference = (reference: string): CaptionReference | null => {
  const at = reference.lastIndexOf(MARK);
  return at < 0 ? null : { question: reference.slice(0, at), answer: reference.slice(at + MARK.length) };
};
