/** Every way in which an answer is compared with its reference; the words of a data set's `answerKind`. */
export const answerKinds = ["choice", "number", "span", "permutation", "index-set", "open"] as const;

/** One of {@link answerKinds}. */
export type AnswerKind = (typeof answerKinds)[number];
