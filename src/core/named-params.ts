import type { z } from "zod";
import { ConfigError } from "./errors.ts";

/** `NAME` or `NAME:ARGUMENT` in its two parts; without a colon the argument is empty. */
export const splitName = (text: string): { readonly name: string; readonly argument: string } => {
  const colon = text.indexOf(":");
  return colon < 0
    ? { name: text, argument: "" }
    : { name: text.slice(0, colon), argument: text.slice(colon + 1) };
};

/** What a parameter's schema takes, without its default and without being optional. */
const innermost = (schema: z.core.$ZodType): z.core.$ZodType => {
  const { innerType } = schema._zod.def as { readonly innerType?: z.core.$ZodType };
  return innerType === undefined ? schema : innermost(innerType);
};

/**
 * A written value as what the parameter's schema takes: a text stays a text ("7" is the model "7"), numbers and true/false
 * are read, anything else is JSON. What cannot be read stays as it is, for the schema to refuse.
 */
const readValue = (text: string, schema: z.core.$ZodType | undefined): unknown => {
  if (schema === undefined) return text;
  const { type } = innermost(schema)._zod.def;
  if (type === "string" || type === "enum") return text;
  if (type === "number" || type === "int")
    return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  if (type === "boolean") return text === "true" || text === "false" ? text === "true" : text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/**
 * Parameters out of `key=value,key=value`, or out of a lone value, which sets the parameter `main`. A comma that no
 * `key=` follows belongs to the value.
 *
 * @param schema the parameters that there are; values are read as their types
 * @param what whose parameters they are, for messages, e.g. `relevance provider "motion"`
 * @param main parameter that a lone value sets; undefined: there is none
 * @throws {ConfigError} for a lone value without a parameter to set
 */
export const parseParams = (
  argument: string,
  schema: z.ZodObject,
  what: string,
  main?: string,
): Record<string, unknown> => {
  if (argument === "") return {};
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;
  if (/^[A-Za-z]\w*=/.test(argument))
    return Object.fromEntries(
      argument.split(/,(?=[A-Za-z]\w*=)/).map((part) => {
        const equals = part.indexOf("=");
        const key = part.slice(0, equals);
        return [key, readValue(part.slice(equals + 1), Object.hasOwn(shape, key) ? shape[key] : undefined)];
      }),
    );
  if (main === undefined)
    throw new ConfigError(`${what} takes no argument`, { got: argument, hint: "use key=value" });
  return { [main]: readValue(argument, shape[main]) };
};
