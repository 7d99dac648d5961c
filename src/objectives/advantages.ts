import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";

/** The completions of one prompt. Axis G: completions of the group. All arrays have the same length. */
export interface AdvantageGroup {
  /** Base reward R_i (weighted sum of reward parts). */
  readonly rewards_G: readonly number[];
  /** Q(y_i, y*): quality on the complete clip of the completion that is trained on. */
  readonly quality_G: readonly number[];
  /** Q(y'_i, y*): quality on the absent clip. */
  readonly qualityAbsent_G: readonly number[];
  /** True where refeed gave up: the pair has no comparative advantage. */
  readonly exhausted_G: readonly boolean[];
}

/** What an advantage remembers between groups; stored in checkpoints. */
export interface AdvantageState {
  /** Moving average b of past comparative rewards. */
  readonly baseline: number;
}

/** Advantages of one group. */
export interface AdvantageResult {
  readonly advantages_G: Float64Array;
  /** 1 where the completion counts in the loss, 0 where it was dropped. */
  readonly weights_G: Float64Array;
  /** State for the next group. */
  readonly state: AdvantageState;
}

/** A pure function of a group and the state before it. */
export interface Advantage {
  readonly start: AdvantageState;
  /** False: qualities change nothing, so nothing need be drawn again. Left out: they do. */
  readonly compares?: boolean;
  compute(group: AdvantageGroup, state: AdvantageState): AdvantageResult;
}

/** An advantage plug-in. */
export type AdvantagePlugin = Plugin<Advantage>;

/** Declares an advantage. */
export const defineAdvantage: Define<AdvantagePlugin> = definer("advantage");

/** Every advantage in `advantages/`, by file name. */
export const advantageRegistry: Registry<AdvantagePlugin> = folderRegistry(
  "advantage",
  new URL("./advantages/", import.meta.url),
);
