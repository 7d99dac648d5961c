import type { ChatCompletion } from "../core/chat-completion.ts";
import { UnusableAnswer } from "../core/endpoint.ts";

/** What a model says to a question that takes yes or no. */
export interface YesNo {
  readonly isYes: boolean;
  /** Of yes against no, in [0, 1]; left out where the endpoint does not say it. */
  readonly probability?: number;
}

const wordOf = (text: string): "yes" | "no" | undefined => {
  const [, word] = /^[^\p{L}\p{N}]*(yes|no)(?![\p{L}\p{N}'’-])/iu.exec(text) ?? [];
  return word?.toLowerCase() as "yes" | "no" | undefined;
};

/** Probability of yes among the first tokens that are yes or no, in whatever case or spacing. */
const probabilityOfYes = ({ first }: ChatCompletion): number | undefined => {
  const sums = { yes: 0, no: 0 };
  for (const one of first ?? []) {
    const word = typeof one?.token === "string" ? wordOf(one.token) : undefined;
    if (word !== undefined && Number.isFinite(one.logprob)) sums[word] += Math.exp(one.logprob);
  }
  const total = sums.yes + sums.no;
  return total > 0 && Number.isFinite(total) ? sums.yes / total : undefined;
};

/**
 * Reads yes or no off an answer's first word, and how probable yes was.
 *
 * @throws {UnusableAnswer} for a refusal, an answer without text, and one that begins with neither
 */
export const readYesNo = (completion: ChatCompletion): YesNo => {
  const { text, finishReason, refusal } = completion;
  if (finishReason === "refused")
    throw new UnusableAnswer("refused", refusal ?? "stopped by the endpoint's content filter", false);
  if (text.trim() === "") throw new UnusableAnswer("empty", "the endpoint answered without text", true);
  const word = wordOf(text);
  if (word === undefined)
    throw new UnusableAnswer("malformed", `neither yes nor no: ${JSON.stringify(text.slice(0, 80))}`, false);
  const probability = probabilityOfYes(completion);
  return { isYes: word === "yes", ...(probability !== undefined && { probability }) };
};
