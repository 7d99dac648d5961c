import { ConfigError } from "../core/errors.ts";
import type { Made } from "../core/registry.ts";
import { type RelevanceDefinition, type RelevanceProvider, relevanceProviders } from "./relevance.ts";

/** A chosen provider with its definition. */
export interface ChosenRelevance {
  readonly definition: RelevanceDefinition;
  readonly made: Made<RelevanceProvider>;
}

/**
 * The provider that `NAME`, `NAME:ARG` or `NAME:key=value,key=value` names. A lone ARG sets the provider's main
 * parameter; numbers and true/false are read as such.
 *
 * @throws {UnknownNameError} for an unknown name, {@link ConfigError} for a bad argument
 */
export const chooseRelevance = async (text: string): Promise<ChosenRelevance> => {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const definition = await relevanceProviders.load(name);
  const argument = colon < 0 ? "" : text.slice(colon + 1);
  return {
    definition,
    made: await relevanceProviders.make(name, paramsOf(argument, name, definition.argument)),
  };
};

const paramsOf = (
  argument: string,
  name: string,
  main: string | undefined,
): Record<string, string | number | boolean> => {
  if (argument === "") return {};
  if (/^[A-Za-z]+=/.test(argument))
    return Object.fromEntries(
      argument.split(",").map((part) => {
        const [key, ...rest] = part.split("=");
        if (key === undefined || rest.length === 0)
          throw new ConfigError(`bad parameters for relevance provider "${name}"`, {
            expected: "key=value,key=value",
            got: part,
          });
        return [key, parsedValue(rest.join("="))];
      }),
    );
  if (main === undefined)
    throw new ConfigError(`relevance provider "${name}" takes no argument`, {
      got: argument,
      hint: "use key=value",
    });
  return { [main]: parsedValue(argument) };
};

const parsedValue = (text: string): string | number | boolean => {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
};
