import type { Random } from "../core/random.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** Axis T: positions, the pictures a model is given. Times and number of positions are never changed by a view. */
export interface View {
  /** Source frame shown at each position; null: a blank picture. */
  readonly shown_T: readonly (number | null)[];
  /** True when the model gets no video at all; `shown_T` is then all null. */
  readonly withoutVideo?: true;
  /** Sample whose clip `shown_T` speaks of, when it is not the question's own. */
  readonly clip?: string;
}

/** What an intervention may look at. */
export interface ViewRequest {
  readonly sample: BenchmarkSample;
  /** Source frames at the positions, ascending. */
  readonly positions_T: readonly number[];
  readonly random: Random;
  /** Another clip of the same benchmark, with its own positions; null when there is none. */
  readonly partner: { readonly sample: BenchmarkSample; readonly positions_T: readonly number[] } | null;
}

/**
 * Which frame each position shows. Pure; costs no pixels.
 *
 * @returns null when this sample cannot be shown so (no absent twin, no room for a control); such questions are counted
 */
export type Intervention = (request: ViewRequest) => View | null;

/** An intervention plug-in; `tells` says in a few words what accuracy under it means. */
export interface InterventionPlugin extends Plugin<Intervention> {
  readonly tells: string;
}

/** Declares an intervention. */
export const defineIntervention: Define<InterventionPlugin> = definer("intervention");

/** Every intervention in `interventions/`, by file name. */
export const interventionRegistry: Registry<InterventionPlugin> = folderRegistry(
  "intervention",
  new URL("./interventions/", import.meta.url),
);

/** What the absent twin shows at each position: the replacement of its frame, if it has one, else the frame. */
export const absentView = (sample: BenchmarkSample, positions_T: readonly number[]): number[] | null => {
  if (sample.absent === undefined) return null;
  const from = new Map(
    sample.absent.replacements.map((replacement) => [replacement.index, replacement.from]),
  );
  return positions_T.map((frame) => from.get(frame) ?? frame);
};

/** Positions whose frame falls into one of the sample's events. */
export const eventPositions = (sample: BenchmarkSample, positions_T: readonly number[]): Set<number> => {
  const times = new Map(
    (sample.clip.timeline ?? []).map((frame) => [frame.index as number, frame.timeSeconds as number]),
  );
  const inside = new Set<number>();
  positions_T.forEach((frame, position) => {
    const time = times.get(frame);
    if (
      time !== undefined &&
      sample.events?.some(({ startSeconds, endSeconds }) => time >= startSeconds && time < endSeconds)
    )
      inside.add(position);
  });
  return inside;
};
