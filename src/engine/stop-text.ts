import { ConfigError } from "../core/errors.ts";

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

/**
 * Checks stop strings.
 * @throws {ConfigError} for an empty one, which would end every completion before it begins
 */
export const checkStopText = ({ strings }: StopText): void => {
  if (strings.includes(""))
    throw new ConfigError("empty stop string", { expected: "at least one character" });
};

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
