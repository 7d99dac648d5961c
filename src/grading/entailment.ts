import { answerPart } from "./answer-part.ts";
import { normalisedTokens } from "./normalise.ts";

/** Says how far a premise entails a hypothesis. An implementation is injected: a language inference model, or the lexical one. */
export interface EntailmentModel {
  /** Name and version for provenance. */
  readonly name: string;
  /** Probability in [0, 1]. */
  entails(premise: string, hypothesis: string): Promise<number>;
}

/** Which way round an open answer is compared with its reference. */
export type EntailmentDirection = "covers-reference" | "supported-by-reference" | "mean";

/**
 * Token overlap in the place of an inference model: the share of the hypothesis's words (without a, an, the and
 * repeats) that stand in the premise, in [0, 1]; 0 when the hypothesis has none. It knows neither negation nor word
 * order nor synonyms, and says so by its name.
 *
 * @source ours
 */
export const tokenOverlapEntailment: EntailmentModel = {
  name: "token-overlap",
  entails: async (premise, hypothesis) => tokenOverlap(premise, hypothesis),
};

/** The share of the distinct words of `hypothesis` that stand in `premise`. */
export const tokenOverlap = (premise: string, hypothesis: string): number => {
  const wanted = new Set(normalisedTokens(hypothesis));
  if (wanted.size === 0) return 0;
  const given = new Set(normalisedTokens(premise));
  let hits = 0;
  for (const token of wanted) if (given.has(token)) hits++;
  return hits / wanted.size;
};

/**
 * Score of an open answer in [0, 1]: `covers-reference` takes the completion as premise and the reference as
 * hypothesis (is the reference covered), `supported-by-reference` the reverse, `mean` both. An empty completion scores 0.
 *
 * @source VideoPerceiver (arXiv 2511.18823), Q for open questions; the direction is our default
 */
export const gradeOpenAnswer = async (
  model: EntailmentModel,
  completion: string,
  reference: string,
  direction: EntailmentDirection = "covers-reference",
): Promise<number> => {
  const answer = answerPart(completion);
  if (answer === "") return 0;
  const covers = direction === "supported-by-reference" ? 0 : await model.entails(answer, reference);
  const supported = direction === "covers-reference" ? 0 : await model.entails(reference, answer);
  return direction === "mean" ? (covers + supported) / 2 : covers + supported;
};
