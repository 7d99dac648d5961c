import { WeightsError } from "../core/errors.ts";
import type { AdapterConfig } from "./adapter-config.ts";
import { type AdaptedModel, linearModules, targetTest, wholeMatch } from "./adapter-names.ts";
import { some } from "./adapter-places.ts";
import type { AdapterNaming } from "./tensor-names.ts";

const layerOf = (path: string, patterns: readonly string[]): number | undefined => {
  for (const pattern of patterns.length === 0 ? ["[^.]*"] : patterns) {
    const found = new RegExp(`^.*\\.${pattern}\\.(\\d+)\\.`).exec(path)?.[1];
    if (found !== undefined) return Number(found);
  }
  return undefined;
};

/** `layers_to_transform` counts where targets are ends of names; whole names and patterns select in every layer. */
const isLayerChosen = ({ layers, layersPattern, targets }: AdapterConfig, path: string): boolean => {
  if (layers === undefined || typeof targets === "string" || targets.includes(path)) return true;
  const layer = layerOf(path, layersPattern);
  return layer !== undefined && layers.includes(layer);
};

/**
 * Hub names of the modules that the configuration selects, under the names of one generation.
 * @source peft 0.21, `check_target_module_exists`
 */
const targeted = (
  config: AdapterConfig,
  model: AdaptedModel,
  naming: AdapterNaming,
  where: string,
): Set<string> => {
  const selects = targetTest(config.targets, where);
  const excludes = config.exclude === undefined ? () => false : targetTest(config.exclude, where);
  const saved = config.saved.map((name) => wholeMatch(`(?:.*\\.)?(?:${name})(?:\\..*)?`, where));
  const chosen = new Set<string>();
  for (const hub of linearModules(model).keys()) {
    const path = model.names.namedFor(naming, hub);
    if (!isLayerChosen(config, path)) continue;
    if (selects(path) && !excludes(path) && !saved.some((whole) => whole.test(path))) chosen.add(hub);
  }
  return chosen;
};

/** The vision tower, or the language model with its head. */
const towerOf = (hub: string): string => (hub.startsWith("visual.") ? "vision" : "language");

/**
 * What is selected but not stored. Targets are mostly last names, which fit both towers, though only one was trained: of
 * a tower of which nothing is stored nothing is missing, and nothing is added there. (peft adds side paths of zeros.)
 */
const missingOf = (expected: ReadonlySet<string>, sides: ReadonlySet<string>): string[] => {
  const stored = new Set([...sides].map(towerOf));
  return [...expected].filter((hub) => !sides.has(hub) && stored.has(towerOf(hub)));
};

/**
 * The generation of names under which the targets select exactly the modules that have side paths.
 *
 * @param naming of the tensors' names; renamed tensors keep the targets of the version that trained them
 * @throws {WeightsError} when there is none
 */
export const targetNaming = (
  config: AdapterConfig,
  model: AdaptedModel,
  sides: ReadonlySet<string>,
  naming: AdapterNaming,
  where: string,
): AdapterNaming => {
  const other: AdapterNaming = naming === "current" ? "transformers-4.49" : "current";
  const choices = [naming, other].map((choice) => {
    const expected = targeted(config, model, choice, where);
    return {
      choice,
      missing: missingOf(expected, sides),
      extra: [...sides].filter((hub) => !expected.has(hub)),
    };
  });
  const fitting = choices.find(({ missing, extra }) => missing.length + extra.length === 0);
  if (fitting !== undefined) return fitting.choice;
  const { missing, extra } = choices[0]!;
  throw new WeightsError("adapter's tensors and its target_modules do not agree", {
    where,
    got: [
      ...(missing.length > 0 ? [`selected but not stored: ${some(missing)}`] : []),
      ...(extra.length > 0 ? [`stored but not selected: ${some(extra)}`] : []),
    ].join("; "),
  });
};
