import { ConfigError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import type { Adapter, LoraModule } from "./adapter.ts";
import { type AdaptedModel, linearModules } from "./adapter-names.ts";

/** Shape of a new low-rank adapter. */
export interface NewAdapterOptions {
  /** Last names of modules, e.g. `q_proj`; all linear modules of these names in the language model. */
  readonly targets: readonly string[];
  readonly rank: number;
  readonly alpha: number;
  /** The side path is multiplied by alpha / sqrt(rank) instead of alpha / rank. */
  readonly rsLora?: boolean;
  /** Modules of the vision tower and the merger of these names too. */
  readonly vision?: boolean;
}

/**
 * An adapter that changes nothing yet: A uniform in +-1 / sqrt(inputs), B zero, as peft starts one.
 *
 * @throws {ConfigError} naming targets that no module has
 * @source Hu et al. 2021; peft, `reset_lora_parameters`
 */
export const newAdapter = (model: AdaptedModel, options: NewAdapterOptions, random: Random): Adapter => {
  const { targets, rank, alpha, rsLora = false, vision = false } = options;
  const lastName = (module: string): string => module.slice(module.lastIndexOf(".") + 1);
  const allowed = [...linearModules(model).values()].filter(
    ({ name }) => vision || !name.startsWith("visual."),
  );
  const known = new Set(allowed.map(({ name }) => lastName(name)));
  const strange = targets.filter((target) => !known.has(target));
  if (strange.length > 0 || targets.length === 0)
    throw new ConfigError("targets of an adapter", {
      expected: `some of ${[...known].join(", ")}`,
      got: strange.length > 0 ? strange.join(", ") : "none",
    });
  const modules = allowed
    .filter(({ name }) => targets.includes(lastName(name)))
    .map(({ name, inputs, outputs }): LoraModule => {
      const own = random.fork(name);
      const bound = 1 / Math.sqrt(inputs);
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
    base: "",
    naming: undefined,
    matched: 2 * modules.length,
  };
};
