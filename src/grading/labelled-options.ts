/** Options that bear labels of their own ("Caption A: ...", "Option 2: ..."), apart from these. */
export interface LabelledOptions {
  /** "Caption A", in order. */
  readonly labels: readonly string[];
  readonly texts: readonly string[];
}

const LABEL = /^((?:Caption|Option|Sentence) ([A-Z]|\d)): +(.*)$/s;
const letterOf = (mark: string): string => (/\d/.test(mark) ? String.fromCharCode(64 + Number(mark)) : mark);

/** Labels and texts of options that are labelled A, B, ... or 1, 2, ...; null for any others. */
export const labelledOptions = (options: readonly string[]): LabelledOptions | null => {
  const rows = options.map((option) => LABEL.exec(option));
  const inOrder = rows.every((row, at) => row !== null && letterOf(row[2]!) === String.fromCharCode(65 + at));
  if (rows.length < 2 || !inOrder) return null;
  return { labels: rows.map((row) => row![1]!), texts: rows.map((row) => row![3]!) };
};

/** A text with every such label written as "Option X"; a number alone is the label of numbered options. */
export const withLetterLabels = (text: string, { labels }: LabelledOptions): string => {
  const alone = /^\W*(\d)\W*$/.exec(text)?.[1];
  const isNumbered = labels.some((label) => label.endsWith(` ${alone}`));
  if (alone !== undefined && isNumbered) return letterOf(alone);
  return text.replace(
    /\b(?:[Cc]aption|[Oo]ption|[Ss]entence)\s+([A-Z]|[1-9])\b/g,
    (_, mark: string) => `Option ${letterOf(mark)}`,
  );
};
