import { ConfigError } from "../core/errors.ts";
import type { Parameter } from "./parameter.ts";
import type { AdapterNaming, TensorNames } from "./tensor-names.ts";

/** What reading and writing adapters has to know of a model. */
export interface AdaptedModel {
  readonly parameters: readonly Parameter[];
  /** The head's own matrix, of a model whose head is its word table: an adapter that changes one of them parts them. */
  readonly tiedHead?: Parameter;
  readonly names: TensorNames;
}

/** The model with a head of its own. */
export const untiedModel = ({ tiedHead, parameters, names }: AdaptedModel): AdaptedModel => ({
  parameters: tiedHead === undefined ? parameters : [...parameters, tiedHead],
  names,
});

/** A module that can take a low-rank side path. */
export interface LinearShape {
  /** Hub name without `.weight`. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
}

/** Every linear module of the model by its hub name; patch embedding and token embedding are none. */
export const linearModules = ({ parameters, names }: AdaptedModel): Map<string, LinearShape> => {
  const modules = parameters.flatMap(({ name: parameter, shape }): LinearShape[] => {
    const [outputs, inputs] = shape;
    const name = parameter.replace(/\.weight$/, "");
    if (shape.length !== 2 || names.notLinear.includes(name)) return [];
    return [{ name, inputs: inputs!, outputs: outputs! }];
  });
  return new Map(modules.map((module) => [module.name, module]));
};

/** What selects modules in an `adapter_config.json`: a regular expression, or names of which one must end the path. */
export type Targets = string | readonly string[];

/** Python's spelling -> JavaScript's, of what differs in patterns of module names. */
const fromPython = (pattern: string): string =>
  pattern
    .replaceAll("(?P<", "(?<")
    .replace(/\(\?P=(\w+)\)/g, "\\k<$1>")
    .replaceAll("\\A", "^")
    .replaceAll("\\Z", "$");

/**
 * A Python regular expression that must match the whole text; flags may stand in front, `(?i)`.
 * @throws {ConfigError} when JavaScript cannot read it
 */
export const wholeMatch = (pattern: string, where: string): RegExp => {
  const [front, letters = ""] = /^\(\?([a-zA-Z]+)\)/.exec(pattern) ?? [""];
  const wrong = (cause?: unknown): ConfigError =>
    new ConfigError("regular expression of an adapter", { where, got: pattern, cause });
  // a, L and u choose between alphabets, which names of modules do not leave.
  const flags = [...new Set(`s${letters.replace(/[aLu]/g, "")}`)].join("");
  if (/[^ims]/.test(flags)) throw wrong();
  try {
    return new RegExp(`^(?:${fromPython(pattern.slice(front.length))})$`, flags);
  } catch (error) {
    throw wrong(error);
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

/**
 * The shortest `target_modules` that selects exactly `chosen`: last names; the same without the vision tower; or a
 * regular expression that lists every path.
 */
export const targetsFor = (
  chosen: ReadonlySet<string>,
  model: AdaptedModel,
  naming: AdapterNaming,
): Targets => {
  const { names } = model;
  const paths = [...linearModules(model).keys(), ...names.notLinear].map((hub) => ({
    path: names.namedFor(naming, hub),
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
