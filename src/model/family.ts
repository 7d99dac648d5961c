import { type Define, definer, type Plugin } from "../core/registry.ts";
import type { Grid } from "../frames/grid.ts";
import type { Value } from "../graph/value.ts";
import type { Parameter } from "../weights/parameter.ts";
import type { TensorNames } from "../weights/tensor-names.ts";
import type { AttentionRows } from "./attention.ts";
import type { ModelConfig, TextConfig } from "./config.ts";
import type { Fields } from "./config-fields.ts";
import type { PositionRule } from "./position-rule.ts";
import type { ProcessorRules } from "./processor-rules.ts";
import type { Weights } from "./weights.ts";

/** What the shape of a tower's graph depends on; plain data, a family adds its own fields. */
export interface VisionShape {
  readonly patches: number;
  /** Visual tokens. */
  readonly units: number;
}

/** A visual plan: the graph's shape, and the numbers to feed besides the pixels, by name. */
export interface VisionPlan {
  readonly shape: VisionShape;
  readonly feeds: Readonly<Record<string, Float32Array | BigInt64Array>>;
}

/** A part of the vision tower: what of it an engine computes at once. */
export interface TowerPart {
  /** Parts with equal keys have the same graph, but for the names of their parameters. */
  readonly key: string;
  /** What the names of its parameters begin with. */
  readonly prefix: string;
  /** Shape of the rows that it takes from the part before it; undefined for the first, which reads the pixels. */
  readonly rows: readonly [number, number] | undefined;
  /** @param prefix what the parameters' names begin with in `weights` */
  build(x: Value | undefined, weights: Weights, prefix: string): Value;
}

/** Graph stages of a vision tower. Legend: P patches, U visual tokens. */
export interface VisionTower<Config extends ModelConfig = ModelConfig> {
  /** Under names that begin with `visual.`, those of the projection to the language model with `visual.merger.`. */
  parameters(config: Config): Parameter[];
  /** Plans visuals of these grids, one behind the other. Feeds have the names that the parts declare. */
  plan(grids: readonly Grid[], config: Config): VisionPlan;
  /**
   * From pixels (input `vision.pixels` [P, channels * temporal * patch^2], processor order) to visual tokens [U, out]
   * in the same order.
   */
  parts(shape: VisionShape, config: Config): readonly TowerPart[];
}

/** Graph stages of a block of the language model. Legend: N rows, D width, d head size. */
export interface LanguageBlock {
  /** Under names that begin with {@link blockName}. */
  parameters(layer: number, text: TextConfig): Parameter[];
  /** Query, key and value rows of [N, D]; query and key are turned by their positions (tables [N, d / 2]). */
  projections(
    x: Value,
    layer: number,
    tables: { readonly cos: Value; readonly sin: Value },
    text: TextConfig,
    weights: Weights,
  ): AttentionRows;
  /** What follows the attention: rows [N, D] before the block and what was mixed [N, heads * d], to [N, D]. */
  finish(x: Value, mixed: Value, layer: number, text: TextConfig, weights: Weights): Value;
}

/**
 * A model family: all that the rest of the code knows of it. Its folder is found by its name; its files belong to
 * nobody else.
 */
export interface ModelFamily<Config extends ModelConfig = ModelConfig> {
  /** As people call it, e.g. "Qwen2.5-VL". */
  readonly title: string;
  /**
   * Reads a parsed `config.json` whose `model_type` is the family's name.
   *
   * @throws {ConfigError} for a missing or ill-typed field, or sizes that do not fit together
   */
  readConfig(root: Fields): Config;
  /** The JSON that transformers reads. */
  writeConfig(config: Config): Record<string, unknown>;
  readonly names: TensorNames;
  readonly vision: VisionTower<Config>;
  readonly block: LanguageBlock;
  /** Position in time of a temporal step of a clip, from its start, under a rule. */
  timeOfStep(step: number, secondsPerGrid: number, config: Config, rule: PositionRule): number;
  readonly processor: ProcessorRules;
}

/** A model family as its folder's `family.ts` exports it; the folder's name is the `model_type` of its checkpoints. */
export interface ModelFamilyPlugin extends Plugin<ModelFamily> {}

/** Declares a model family. */
export const defineModelFamily: Define<ModelFamilyPlugin> = definer("model family");
