import { ConfigError } from "../core/errors.ts";
import type { Completion, Engine, SampleOptions, SampleRequest } from "./contract.ts";

/**
 * Strings that end a completion as soon as its text contains one. Text, not tokens: a string may begin and end inside
 * tokens. The caller decodes, because an engine knows no tokenizer.
 */
export interface StopText {
  /** None of them empty. */
  readonly strings: readonly string[];
  /** Text of a completion's tokens. Characters of which bytes are missing may be anything but a stop string. */
  readonly decode: (tokens: readonly number[]) => string;
}

/** A completion with the text in front of the first stop string. */
export interface TextCompletion extends Completion {
  readonly text: string;
}

/** Text in front of the first stop string that it contains. @returns `found` false and the whole text when none */
export const cutAtStop = (
  text: string,
  strings: readonly string[],
): { readonly text: string; readonly found: boolean } => {
  const places = strings.map((string) => text.indexOf(string)).filter((place) => place >= 0);
  return places.length === 0
    ? { text, found: false }
    : { text: text.slice(0, Math.min(...places)), found: true };
};

/** Cuts a completion behind the token with which its first stop string is complete. */
export const cutCompletion = (completion: Completion, { strings, decode }: StopText): TextCompletion => {
  const { tokens, logprobs } = completion;
  for (let count = 1; strings.length > 0 && count <= tokens.length; count++) {
    const { text, found } = cutAtStop(decode(tokens.slice(0, count)), strings);
    if (!found) continue;
    return { tokens: tokens.slice(0, count), logprobs: logprobs.slice(0, count), finish: "stop", text };
  }
  return { ...completion, text: decode(tokens) };
};

/**
 * Draws completions that end at strings. An engine whose completions cannot be watched draws them to their end; what is
 * behind a string is cut off afterwards, and the result is the same.
 *
 * @throws {ConfigError} for an empty string, which would end every completion before it begins
 */
export const sampleUntilText = async (
  engine: Engine,
  request: SampleRequest,
  stop: StopText,
  options: Omit<SampleOptions, "watch"> = {},
): Promise<readonly (readonly TextCompletion[])[]> => {
  if (stop.strings.includes(""))
    throw new ConfigError("empty stop string", { expected: "at least one character" });
  const watch = (_: number, tokens: readonly number[]): boolean =>
    cutAtStop(stop.decode(tokens), stop.strings).found;
  const isWatched = engine.capabilities.sampling.watched && stop.strings.length > 0;
  const drawn = await engine.sample(request, isWatched ? { ...options, watch } : options);
  return drawn.map((group) => group.map((completion) => cutCompletion(completion, stop)));
};
