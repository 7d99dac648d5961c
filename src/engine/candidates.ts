import { ShapeError } from "../core/errors.ts";
import type { CandidateLogprobs, Candidates } from "./contract.ts";

/** log of the sum of exponentials of a row, in float64. */
const normalizer = (row: Float32Array): number => {
  let top = Number.NEGATIVE_INFINITY;
  for (const x of row) if (x > top) top = x;
  let total = 0;
  for (const x of row) total += Math.exp(x - top);
  return top + Math.log(total);
};

/** The `count` tokens with the largest scores, the largest first; of equal ones the smallest ids. */
const largest = (row: Float32Array, count: number): number[] => {
  if (count === 1) {
    let best = 0;
    for (let token = 1; token < row.length; token++) if (row[token]! > row[best]!) best = token;
    return [best];
  }
  return [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, count);
};

/**
 * Log-probabilities of candidates out of logits [M, V].
 * @throws {ShapeError} for candidates that do not fit the scored rows or the vocabulary
 */
export const candidateLogprobs = (
  logits: Float32Array,
  rows: number,
  wanted: Candidates,
): CandidateLogprobs => {
  const vocabulary = rows === 0 ? 0 : logits.length / rows;
  const perRow = "top" in wanted ? wanted.top : wanted.perRow;
  if ("tokens" in wanted && wanted.tokens.length !== rows * perRow)
    throw new ShapeError("candidates", {
      expected: `${perRow} tokens for each of ${rows} rows`,
      got: `${wanted.tokens.length} tokens`,
    });
  const tokens = new Int32Array(rows * perRow);
  const logprobs = new Float32Array(rows * perRow);
  for (let row = 0; row < rows; row++) {
    const own = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
    const chosen =
      "top" in wanted ? largest(own, perRow) : wanted.tokens.subarray(row * perRow, (row + 1) * perRow);
    const total = normalizer(own);
    chosen.forEach((token, k) => {
      if (!(token >= 0 && token < vocabulary))
        throw new ShapeError("a candidate", { expected: `an id below ${vocabulary}`, got: String(token) });
      tokens[row * perRow + k] = token;
      logprobs[row * perRow + k] = own[token]! - total;
    });
  }
  return { tokens, logprobs };
};
