import { ConfigError } from "./errors.ts";

/** Value of a parameter as people write it. */
export type ParamValue = string | number | boolean;

/** `NAME` or `NAME:ARGUMENT` in its two parts; without a colon the argument is empty. */
export const splitName = (text: string): { readonly name: string; readonly argument: string } => {
  const colon = text.indexOf(":");
  return colon < 0
    ? { name: text, argument: "" }
    : { name: text.slice(0, colon), argument: text.slice(colon + 1) };
};

const readValue = (text: string): ParamValue => {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
};

/**
 * Parameters out of `key=value,key=value`, or out of a lone value, which sets the parameter `main`. Numbers and
 * true/false are read as such.
 *
 * @param what whose parameters they are, for messages, e.g. `relevance provider "motion"`
 * @param main parameter that a lone value sets; undefined: there is none
 * @throws {ConfigError} for a part that is no `key=value`, or a lone value without a parameter to set
 */
export const parseParams = (argument: string, what: string, main?: string): Record<string, ParamValue> => {
  if (argument === "") return {};
  if (/^[A-Za-z]+=/.test(argument))
    return Object.fromEntries(
      argument.split(",").map((part) => {
        const equals = part.indexOf("=");
        if (equals < 1)
          throw new ConfigError(`bad parameters for ${what}`, {
            expected: "key=value,key=value",
            got: part,
          });
        return [part.slice(0, equals), readValue(part.slice(equals + 1))];
      }),
    );
  if (main === undefined)
    throw new ConfigError(`${what} takes no argument`, { got: argument, hint: "use key=value" });
  return { [main]: readValue(argument) };
};
