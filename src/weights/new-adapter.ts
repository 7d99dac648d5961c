import { ConfigError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import type { Adapter, LoraModule } from "./adapter.ts";
import {
  type AdaptedModel,
  type LinearShape,
  linearModules,
  patternValue,
  type Targets,
  targetTest,
} from "./adapter-names.ts";

/** Shape of a new low-rank adapter. */
export interface NewAdapterOptions {
  /**
   * Ends of module names, e.g. `q_proj`; or one regular expression over whole names (the checkpoint's, or those that
   * transformers shows); or "all-linear". Chosen among the linear modules of the language model.
   */
  readonly targets: Targets;
  readonly rank: number;
  readonly alpha: number;
  /** The side path is multiplied by alpha / sqrt(rank) instead of alpha / rank. */
  readonly rsLora?: boolean;
  /** Modules of the vision tower and the merger of these names too. */
  readonly vision?: boolean;
  /** Other ranks and alphas by regular expressions that match the end of a module's name. */
  readonly rankPattern?: Readonly<Record<string, number>>;
  readonly alphaPattern?: Readonly<Record<string, number>>;
  /** Name of the model that it is for, as its files state it. */
  readonly base?: string;
}

const lastName = (module: string): string => module.slice(module.lastIndexOf(".") + 1);

/** The modules that are targeted. @throws {ConfigError} naming targets that no module has */
const targetedModules = (
  model: AdaptedModel,
  { targets, vision = false }: NewAdapterOptions,
): LinearShape[] => {
  const allowed = [...linearModules(model).values()].filter(
    ({ name }) => vision || !name.startsWith("visual."),
  );
  const pathsOf = (name: string): string[] => [name, model.names.namedFor("current", name)];
  const chosenBy = (own: Targets): LinearShape[] => {
    const selects = targetTest(own, "targets of an adapter");
    return allowed.filter(({ name }) => pathsOf(name).some(selects));
  };
  const asked = typeof targets === "string" ? [targets] : targets;
  const strange = asked.filter(
    (target) => chosenBy(typeof targets === "string" ? target : [target]).length === 0,
  );
  if (strange.length > 0 || asked.length === 0)
    throw new ConfigError("targets of an adapter", {
      expected: `some of ${[...new Set(allowed.map(({ name }) => lastName(name)))].join(", ")}`,
      got: strange.length > 0 ? strange.join(", ") : "none",
    });
  return chosenBy(targets);
};

/**
 * An adapter that changes nothing yet: A uniform in +-1 / sqrt(inputs), B zero, as peft starts one.
 *
 * @throws {ConfigError} naming targets that no module has
 * @source Hu et al. 2021; peft, `reset_lora_parameters`
 */
export const newAdapter = (model: AdaptedModel, options: NewAdapterOptions, random: Random): Adapter => {
  const { rsLora = false, base = "" } = options;
  const ranks = new Map(Object.entries(options.rankPattern ?? {}));
  const alphas = new Map(Object.entries(options.alphaPattern ?? {}));
  const modules = targetedModules(model, options).map(({ name, inputs, outputs }): LoraModule => {
    const own = random.fork(name);
    const bound = 1 / Math.sqrt(inputs);
    const rank = patternValue(ranks, name, options.rank, "rankPattern");
    const alpha = patternValue(alphas, name, options.alpha, "alphaPattern");
    return {
      name,
      rank,
      alpha,
      scale: alpha / (rsLora ? Math.sqrt(rank) : rank),
      a_RI: Float32Array.from({ length: rank * inputs }, () => bound * (2 * own.next() - 1)),
      b_OR: new Float32Array(outputs * rank),
      inputs,
      outputs,
    };
  });
  return {
    modules,
    replaced: [],
    rsLora,
    dropout: 0,
    base,
    naming: undefined,
    matched: 2 * modules.length,
  };
};
