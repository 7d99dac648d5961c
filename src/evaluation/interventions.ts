import type { PixelOperation } from "../absent/builders.ts";
import type { TwinView } from "../absent/twin-view.ts";
import type { Random } from "../core/random.ts";
import {
  type Define,
  definer,
  folderRegistry,
  type Made,
  type MadeBy,
  type Plugin,
  type Registry,
} from "../core/registry.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** Axis T: positions, the pictures a model is given. A view says what each one shows; it never adds or moves one. */
export interface View {
  /** Source frame shown at each position; null: a blank picture. */
  readonly shown_T: readonly (number | null)[];
  /** What a twin's builder does to the pictures at some positions; nothing when left out. */
  readonly painted?: PaintedPositions;
  /** True when the model gets no video at all; `shown_T` is then all null. */
  readonly withoutVideo?: true;
  /** True at positions that are not given at all: fewer pictures. None when left out. */
  readonly dropped_T?: readonly boolean[];
  /** Position whose time is told for each position; its own when left out. */
  readonly toldAs_T?: readonly number[];
  /** Sample whose clip `shown_T` speaks of, when it is not the question's own. */
  readonly clip?: string;
}

/** Pictures that are changed after they were chosen (a mask). */
export interface PaintedPositions {
  /** The builder whose operation it is. */
  readonly by: MadeBy;
  readonly pixels: PixelOperation;
  /** True at the positions whose picture is changed. */
  readonly at_T: readonly boolean[];
}

/** What an intervention may look at. */
export interface ViewRequest {
  readonly sample: BenchmarkSample;
  /** What the absent twin of the sample shows; null without one. */
  readonly twin: TwinView | null;
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
  /** True for parameters with which it draws: another seed shows something else, so questions are asked several times. */
  readonly draws?: (params: Readonly<Record<string, unknown>>) => boolean;
}

/** An intervention, and whether another draw of it shows something else; left out: it shows the same every time. */
export interface ChosenIntervention extends Made<Intervention> {
  readonly isDrawn?: boolean;
}

/** Makes what a person wrote: `NAME`, `NAME:ARGUMENT` or `NAME:key=value,...`. @throws {UnknownNameError} */
export const chooseIntervention = async (text: string): Promise<ChosenIntervention> => {
  const { plugin, value, recipe } = await interventionRegistry.choose(text);
  return { value, recipe, isDrawn: plugin.draws?.(recipe.params) === true };
};

/** Declares an intervention. */
export const defineIntervention: Define<InterventionPlugin> = definer("intervention");

/** Every intervention in `interventions/`, by file name. */
export const interventionRegistry: Registry<InterventionPlugin> = folderRegistry(
  "intervention",
  new URL("./interventions/", import.meta.url),
);

/** What the absent twin shows at each position; null without a twin. */
export const absentView = ({ sample, twin, positions_T }: ViewRequest): View | null => {
  if (twin === null || sample.absent === undefined) return null;
  return {
    shown_T: positions_T.map((frame) => twin.at(frame).source),
    ...paintedBy(
      twin,
      sample.absent.builder,
      positions_T.map((frame) => twin.changes(frame)),
    ),
  };
};

/** The builder's pixel operation at positions; nothing when it has none. */
export const paintedBy = (
  { pixels }: TwinView,
  by: MadeBy,
  at_T: readonly boolean[],
): Pick<View, "painted"> => (pixels === null ? {} : { painted: { by, pixels, at_T } });

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
