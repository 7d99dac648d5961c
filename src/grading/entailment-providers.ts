import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { EntailmentModel } from "./entailment.ts";

/** An entailment provider: what says how far an open answer covers its reference. */
export type EntailmentPlugin = Plugin<EntailmentModel>;

/** Declares an entailment provider. */
export const defineEntailment: Define<EntailmentPlugin> = definer("entailment provider");

/** Every provider in `entailments/`, by file name; `NAME`, `NAME:ARG` or `NAME:key=value,...` chooses. */
export const entailmentProviders: Registry<EntailmentPlugin> = folderRegistry(
  "entailment provider",
  new URL("./entailments/", import.meta.url),
);
