import { z } from "zod";
import { ConfigError, UnsupportedError } from "../core/errors.ts";
import { explainZod } from "../core/registry.ts";
import type { Targets } from "./adapter-names.ts";

/** What matters of an `adapter_config.json`. */
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Scale by alpha / sqrt(rank) instead of alpha / rank. */
  readonly rsLora: boolean;
  readonly dropout: number;
  readonly targets: Targets;
  readonly exclude: Targets | undefined;
  readonly layers: readonly number[] | undefined;
  readonly layersPattern: readonly string[];
  /** Modules that are stored whole instead of as a side path. */
  readonly saved: readonly string[];
  readonly rankPattern: ReadonlyMap<string, number>;
  readonly alphaPattern: ReadonlyMap<string, number>;
  readonly base: string;
}

const names = z.union([z.string(), z.array(z.string())]);
const numbers = z.record(z.string(), z.number().positive()).nullish();

const file = z.looseObject({
  peft_type: z.string(),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).nullish(),
  use_rslora: z.boolean().nullish(),
  target_modules: names,
  exclude_modules: names.nullish(),
  layers_to_transform: z.union([z.number().int(), z.array(z.number().int())]).nullish(),
  layers_pattern: names.nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  rank_pattern: numbers,
  alpha_pattern: numbers,
  base_model_name_or_path: z.string().nullish(),
});

/** Options that change the computation and are not ours, each with the value that means "off". */
const refused: Readonly<Record<string, readonly unknown[]>> = {
  use_dora: [false],
  use_qalora: [false],
  use_bdlora: [],
  lora_bias: [false],
  bias: ["none"],
  fan_in_fan_out: [false],
  layer_replication: [],
  target_parameters: [[]],
  trainable_token_indices: [],
  alora_invocation_tokens: [],
  // Others (pissa, olora, corda, loftq, lora_ga) change the model's own weights too.
  init_lora_weights: [true, false, "gaussian", "eva", "orthogonal"],
};

/** What to do with an adapter whose numbers only peft can make. */
export const mergeHint = "merge it into its model with peft, and use the merged checkpoint";

/** The same for one of the word table: peft merges into the one matrix that a tied head shares, which changes the head too. */
export const mergeTableHint: string = `${mergeHint}; where the head is tied to the word table untie it before (docs/large-models.md), or the merge changes both`;

const listed = (value: string | readonly string[] | null | undefined): readonly string[] =>
  value === null || value === undefined ? [] : typeof value === "string" ? [value] : value;

/**
 * Reads a parsed `adapter_config.json` of LoRA.
 *
 * @throws {ConfigError} for missing or ill-typed fields
 * @throws {UnsupportedError} for another method or an option that would change the numbers
 */
export const readAdapterConfig = (json: unknown, where: string): AdapterConfig => {
  const parsed = file.safeParse(json);
  if (!parsed.success)
    throw new ConfigError("adapter configuration", { where, got: explainZod(parsed.error) });
  const fields = parsed.data;
  if (fields.peft_type !== "LORA")
    throw new UnsupportedError("adapter of another method", {
      where,
      expected: "LORA",
      got: fields.peft_type,
    });
  for (const [name, allowed] of Object.entries(refused)) {
    const value = fields[name];
    if (
      value !== undefined &&
      value !== null &&
      !allowed.some((one) => JSON.stringify(one) === JSON.stringify(value))
    )
      throw new UnsupportedError("option of an adapter", {
        where: `${where}, ${name}`,
        expected: ["nothing", ...allowed.map((one) => JSON.stringify(one))].join(" or "),
        got: JSON.stringify(value),
        hint: mergeHint,
      });
  }
  const layers = [fields.layers_to_transform ?? []].flat();
  return {
    rank: fields.r,
    alpha: fields.lora_alpha,
    rsLora: fields.use_rslora ?? false,
    dropout: fields.lora_dropout ?? 0,
    targets: fields.target_modules,
    exclude: fields.exclude_modules ?? undefined,
    // As in peft an empty list chooses nothing in particular.
    layers: layers.length === 0 ? undefined : layers,
    layersPattern: listed(fields.layers_pattern),
    saved: fields.modules_to_save ?? [],
    rankPattern: new Map(Object.entries(fields.rank_pattern ?? {})),
    alphaPattern: new Map(Object.entries(fields.alpha_pattern ?? {})),
    base: fields.base_model_name_or_path ?? "",
  };
};
