import type { ReportSetting } from "./model.ts";
import type { StoredStage } from "./read-evaluated-run.ts";

/** A value whose origin is known. */
export interface KnownSetting {
  /** End of the dotted path in a stage's options, e.g. `contrast.weight`. */
  readonly path: string;
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
    const { options } = (run.config ?? {}) as { readonly options?: unknown };
    const values = [...flatten(options ?? {}, "", new Map())];
    return known.flatMap(({ path, value: stated, origin, what }): ReportSetting[] => {
      const found = values.find(([name]) => name === path || name.endsWith(`.${path}`));
      if (found === undefined) return [];
      const [name, value] = found;
      return [{ stage: title, name, value: String(value), origin: value === stated ? origin : "run", what }];
    });
  });
