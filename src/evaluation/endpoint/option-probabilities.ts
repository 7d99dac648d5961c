import { optionLetter } from "../../grading/options.ts";

/**
 * How likely each option is, from the most probable first tokens: the probabilities of all tokens that are its letter, in
 * whatever case or spacing, made to add up to 1.
 *
 * @returns undefined when no token is an option's letter
 */
export const optionProbabilities = (
  first: readonly { readonly token: string; readonly logprob: number }[],
  options: number,
): number[] | undefined => {
  const sums = new Array<number>(options).fill(0);
  for (const { token, logprob } of first) {
    const letter = token.replace(/[\s().:*]/g, "").toUpperCase();
    const at = sums.findIndex((_, option) => optionLetter(option) === letter);
    if (at >= 0) sums[at]! += Math.exp(logprob);
  }
  const total = sums.reduce((sum, one) => sum + one, 0);
  return total > 0 ? sums.map((one) => one / total) : undefined;
};
