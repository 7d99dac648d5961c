import type { Made, MadeBy } from "../core/registry.ts";
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
 * @throws {UnknownNameError} for an unknown name
 * @throws {ConfigError} for a bad argument
 */
export const chooseRelevance = async (text: string): Promise<ChosenRelevance> => {
  const { plugin, ...made } = await relevanceProviders.choose(text);
  return { definition: plugin, made };
};

/** The record of a provider: what decides its scores. */
export const recordedRelevance = ({ made: { recipe, value } }: ChosenRelevance): MadeBy =>
  value.recorded === undefined ? recipe : { name: recipe.name, params: value.recorded };
