/**
 * Lower case, ASCII punctuation deleted, the words a, an, the deleted, white space collapsed.
 *
 * @source SQuAD evaluation script (`normalize_answer`); golden pairs in test/golden/grading.test.ts
 */
export const normaliseText = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, "")
    .replace(/\b(a|an|the)\b/g, " ")
    .split(/\s+/)
    .filter((word) => word !== "")
    .join(" ");

/** Words of the normalised text. */
export const normalisedTokens = (text: string): string[] => {
  const normalised = normaliseText(text);
  return normalised === "" ? [] : normalised.split(" ");
};

/**
 * Harmonic mean of precision and recall of two lists of words, in [0, 1]; words are matched with multiplicity. Two empty
 * lists agree (1), one empty list scores 0.
 */
export const wordsF1 = (predicted: readonly string[], wanted: readonly string[]): number => {
  if (predicted.length === 0 || wanted.length === 0)
    return predicted.length === 0 && wanted.length === 0 ? 1 : 0;
  const left = new Map<string, number>();
  for (const token of wanted) left.set(token, (left.get(token) ?? 0) + 1);
  let shared = 0;
  for (const token of predicted) {
    const count = left.get(token) ?? 0;
    if (count === 0) continue;
    left.set(token, count - 1);
    shared++;
  }
  return (2 * shared) / (predicted.length + wanted.length);
};
