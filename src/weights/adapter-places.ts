import { UnsupportedError, WeightsError } from "../core/errors.ts";
import { mergeHint, mergeTableHint } from "./adapter-config.ts";
import { type AdaptedModel, linearModules } from "./adapter-names.ts";
import type { AdapterNaming, TensorNames } from "./tensor-names.ts";

const prefix = "base_model.model.";

/** What one stored name means. */
export interface AdapterPlace {
  readonly stored: string;
  readonly hub: string;
  readonly naming: AdapterNaming | undefined;
  readonly part: "A" | "B" | "whole";
}

const placeOf = (stored: string, file: string, { readName }: TensorNames): AdapterPlace => {
  const wrong = (got: string): WeightsError =>
    new WeightsError("tensor of an adapter without a place in this model", { where: file, got });
  if (!stored.startsWith(prefix)) throw wrong(stored);
  const inner = stored.slice(prefix.length);
  const odd = /\.(lora_embedding_[AB]|lora_magnitude_vector)\b|\.patch_embed\.proj\.lora_/.exec(inner);
  if (odd !== null)
    throw new UnsupportedError("adapter of a kind that cannot be read", {
      where: file,
      expected: "side paths of linear modules only",
      got: stored,
      hint: odd[1]?.startsWith("lora_embedding") ? mergeTableHint : mergeHint,
    });
  const side = /^(.*)\.lora_([AB])(?:\.default)?\.weight$/.exec(inner);
  if (side !== null) return { stored, ...readName(side[1]!), part: side[2] as "A" | "B" };
  const whole = inner.replace(/\.modules_to_save(\.default)?|\.base_layer/, "");
  return { stored, ...readName(whole), part: "whole" };
};

/** Whether it changes the word table or the head: a model that ties both has two matrices with such an adapter. */
export const changesTable = ({ hub }: AdapterPlace): boolean => /^(lm_head|model\.embed_tokens)\b/.test(hub);

/** A few names of many. */
export const some = (names: readonly string[]): string =>
  names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");

/**
 * Finds the place in a model of every tensor of an adapter's file.
 *
 * @param hint what to do about tensors that the model has no place for
 * @throws {WeightsError} for tensors without a place, and for names of two generations
 * @throws {UnsupportedError} for side paths of modules that are not linear
 */
export const placesOf = (
  stored: Iterable<string>,
  model: AdaptedModel,
  file: string,
  hint: string,
): { readonly places: readonly AdapterPlace[]; readonly naming: AdapterNaming | undefined } => {
  const places = [...stored].map((name) => placeOf(name, file, model.names));
  if (places.length === 0) throw new WeightsError("adapter without tensors", { where: file });
  const generations = new Set(places.flatMap(({ naming }) => (naming === undefined ? [] : [naming])));
  if (generations.size > 1) throw new WeightsError("adapter mixes two generations of names", { where: file });
  const linear = linearModules(model);
  const parameters = new Set(model.parameters.map(({ name }) => name));
  const strangers = places.filter(({ hub, part }) => !(part === "whole" ? parameters : linear).has(hub));
  if (strangers.length > 0)
    throw new WeightsError("tensors of an adapter without a place in this model", {
      where: file,
      expected: `${places.length} that fit`,
      got: `${places.length - strangers.length}, but not ${some(strangers.map(({ stored }) => stored))}`,
      hint,
    });
  const [naming] = generations;
  return { places, naming };
};
