import type { ReportSetting } from "./model.ts";
import type { StoredStage } from "./read-evaluated-run.ts";

/** A value whose origin is known. */
export interface KnownSetting {
  /** Dotted path in a stage's options, e.g. `contrast.weight`; behind `data.` in what it learns from. */
  readonly path: string;
  /** Another path that must be there: tells stages apart that use one name for different things. */
  readonly beside?: string;
  /** The stated value; another one was set by the run. */
  readonly value: unknown;
  readonly origin: "paper" | "reconstructed" | "ours";
  readonly what: string;
}

const flatten = (value: unknown, path: string, into: Map<string, unknown>): Map<string, unknown> => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return into.set(path, value);
  for (const [name, inner] of Object.entries(value))
    flatten(inner, path === "" ? name : `${path}.${name}`, into);
  return into;
};

/** The values that stages were made with, as their own `config.json` says, and who set them. */
export const stageSettings = (
  stages: readonly StoredStage[],
  known: readonly KnownSetting[],
): ReportSetting[] =>
  stages.flatMap(({ title, run }) => {
    const { options, data } = (run.config ?? {}) as { readonly options?: unknown; readonly data?: unknown };
    const values = flatten(data ?? {}, "data", flatten(options ?? {}, "", new Map()));
    return known.flatMap(({ path, beside, value: stated, origin, what }): ReportSetting[] => {
      if (!values.has(path) || (beside !== undefined && !values.has(beside))) return [];
      const value = values.get(path);
      return [
        { stage: title, name: path, value: String(value), origin: value === stated ? origin : "run", what },
      ];
    });
  });
