import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { Sample } from "./sample.ts";
import type { Rejection } from "./schema.ts";

/** A rule of the validator. It may remember what it saw (duplicates, balance): one instance for one data set. */
export interface Filter {
  /** Why the sample must go, in one sentence; undefined when it may stay. */
  check(sample: Sample): string | undefined;
  /** Looks at the whole set that stayed; gives further samples by id with the reason why they must go. */
  finish?(): ReadonlyMap<string, string>;
}

/** A plug-in file of `filters/`; its name is the rule's id in `rejected.jsonl`. */
export type FilterPlugin = Plugin<Filter>;

/** Declares a rule. */
export const defineFilter: Define<FilterPlugin> = definer("validator rule");

/** The rules there are. */
export const datasetFilters: Registry<FilterPlugin> = folderRegistry<FilterPlugin>(
  "validator rule",
  new URL("./filters/", import.meta.url),
);

/** Lower-case words of a text. */
export const lowerCaseWords = (text: string): string[] =>
  text.toLowerCase().match(/[\p{L}\p{N}]+(?:[-'’][\p{L}\p{N}]+)*/gu) ?? [];

/** Runs every rule over every sample in order: the first rule that objects is the one that is recorded. */
export const filterSamples = (
  samples: readonly Sample[],
  rules: readonly { readonly id: string; readonly filter: Filter }[],
): { readonly kept: Sample[]; readonly rejected: Rejection[] } => {
  const rejected: Rejection[] = [];
  let kept = samples.filter((sample) => {
    for (const { id, filter } of rules) {
      const reason = filter.check(sample);
      if (reason === undefined) continue;
      rejected.push({ source: sample.id, ruleId: id, reason });
      return false;
    }
    return true;
  });
  for (const { id, filter } of rules) {
    const late = filter.finish?.();
    if (late === undefined || late.size === 0) continue;
    kept = kept.filter((sample) => {
      const reason = late.get(sample.id);
      if (reason !== undefined) rejected.push({ source: sample.id, ruleId: id, reason });
      return reason === undefined;
    });
  }
  return { kept, rejected };
};
