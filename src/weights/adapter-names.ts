import { ConfigError } from "../core/errors.ts";
import type { Qwen25VLConfig } from "../model/qwen2_5_vl/config.ts";
import { expectedTensors } from "../model/qwen2_5_vl/hub-tensors.ts";

/** Which transformers' module names an adapter uses: 4.52 and later, or those up to 4.51. */
export type AdapterNaming = "current" | "transformers-4.49";

/** A module that can take a low-rank side path. */
export interface LinearShape {
  /** Hub name without `.weight`. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
}

/** Every linear module of the model by its hub name; patch embedding and token embedding are none. */
export const linearModules = (config: Qwen25VLConfig): Map<string, LinearShape> => {
  const modules = expectedTensors(config).flatMap(({ name, shape }): LinearShape[] => {
    const [outputs, inputs] = shape;
    if (shape.length !== 2 || name === "model.embed_tokens.weight") return [];
    return [{ name: name.replace(/\.weight$/, ""), inputs: inputs!, outputs: outputs! }];
  });
  return new Map(modules.map((module) => [module.name, module]));
};

/** A hub name as the model of a transformers version calls it. */
export const namedFor = (naming: AdapterNaming, hub: string): string =>
  naming === "transformers-4.49" || hub.startsWith("lm_head")
    ? hub
    : hub.replace(/^visual\./, "model.visual.").replace(/^model\.(?!visual\.)/, "model.language_model.");

/** The hub name behind a name of either generation, and the generation when the name tells. */
export const readName = (
  name: string,
): { readonly hub: string; readonly naming: AdapterNaming | undefined } => {
  if (/^model\.(language_model|visual)\./.test(name))
    return {
      hub: name.replace(/^model\.visual\./, "visual.").replace(/^model\.language_model\./, "model."),
      naming: "current",
    };
  return { hub: name, naming: /^(model\.|visual\.)/.test(name) ? "transformers-4.49" : undefined };
};

/** What selects modules in an `adapter_config.json`: a regular expression, or names of which one must end the path. */
export type Targets = string | readonly string[];

/** A Python regular expression that must match the whole text. @throws {ConfigError} when JavaScript cannot read it */
export const wholeMatch = (pattern: string, where: string): RegExp => {
  try {
    return new RegExp(`^(?:${pattern.replaceAll("(?P<", "(?<").replaceAll("\\Z", "$")})$`, "s");
  } catch (error) {
    throw new ConfigError("regular expression of an adapter", { where, got: pattern, cause: error });
  }
};

/** Says for a module path whether the targets select it. @source peft 0.21, `check_target_module_exists` */
export const targetTest = (targets: Targets, where: string): ((path: string) => boolean) => {
  if (targets === "all-linear") return (path) => !path.endsWith("lm_head");
  if (typeof targets === "string") {
    const pattern = wholeMatch(targets, where);
    return (path) => pattern.test(path);
  }
  return (path) => targets.some((target) => path === target || path.endsWith(`.${target}`));
};

/** The value of the first pattern that matches the end of a path. @source peft 0.21, `get_pattern_key` */
export const patternValue = (
  patterns: ReadonlyMap<string, number>,
  path: string,
  fallback: number,
  where: string,
): number => {
  for (const [pattern, value] of patterns)
    if (wholeMatch(`(?:.*\\.)?(?:${pattern})`, where).test(path)) return value;
  return fallback;
};

/** Modules that are not linear but that peft would wrap too when the targets select them. */
const notLinear: readonly string[] = ["visual.patch_embed.proj", "model.embed_tokens"];

/**
 * The shortest `target_modules` that selects exactly `chosen`: last names; the same without the vision tower; or a
 * regular expression that lists every path.
 */
export const targetsFor = (
  chosen: ReadonlySet<string>,
  all: Iterable<string>,
  naming: AdapterNaming,
): Targets => {
  const paths = [...all, ...notLinear].map((hub) => ({
    path: namedFor(naming, hub),
    isChosen: chosen.has(hub),
  }));
  const lastNames = [...new Set([...chosen].map((hub) => hub.split(".").at(-1)!))].sort();
  const fits = (targets: Targets): boolean => {
    const test = targetTest(targets, "target_modules");
    return paths.every(({ path, isChosen }) => test(path) === isChosen);
  };
  if (fits(lastNames)) return lastNames;
  const withoutVision = `^(?!.*visual).*\\.(${lastNames.join("|")})$`;
  if (fits(withoutVision)) return withoutVision;
  const listed = paths.filter(({ isChosen }) => isChosen).map(({ path }) => path.replaceAll(".", "\\."));
  return `(${listed.join("|")})`;
};
