import { seededRandom } from "../core/random.ts";
import type { Made } from "../core/registry.ts";
import type { FrameSelector } from "../selection/selectors.ts";
import { drawFrames, placesApart } from "./draw-frames.ts";
import type { FragmentTask, TaskDraft } from "./fragment-task.ts";
import type { ClipPart } from "./parts.ts";
import {
  atLevels,
  levelsBetween,
  levelsOf,
  renderedAnew,
  type ShownPicture,
  shownFrame,
} from "./shown-picture.ts";
import type { Refusal } from "./verdict.ts";

/** One of the fragments of a clip: what its draws depend on, besides its pictures. */
export interface FragmentPlace {
  readonly seed: number;
  /** Number of the fragment in the whole set, over all clips in order; answers are balanced along it. */
  readonly number: number;
  /** Frames of the clip whose order other questions of the set tell, by index; none when left out. */
  readonly told?: ReadonlySet<number>;
}

/** A drawn question, and the frames that its pictures show, by place in the part's batch. */
export interface DrawnSample {
  readonly draft: TaskDraft;
  readonly shown: readonly number[];
  /** Frames of the fragment, in true order, by place in the part's batch. */
  readonly fragment: readonly number[];
}

/**
 * One of `count` values: of every `count` fragments that follow each other each value has one, in an order of their
 * own. So values are balanced, whatever is rejected on the way for reasons that do not know them.
 */
export const balancedDraw = (purpose: string, { seed, number }: FragmentPlace, count: number): number => {
  const block = Math.floor(number / count);
  const order = seededRandom(seed, purpose, count, block).shuffled(
    Array.from({ length: count }, (_, at) => at),
  );
  return order[number % count]!;
};

/** Places of the part whose frame is among those that are told. */
const toldPlaces = (
  { batch, start, distances }: ClipPart,
  told: ReadonlySet<number> | undefined,
): number[] =>
  told === undefined
    ? []
    : Array.from({ length: distances.count }, (_, at) => at).filter((at) =>
        told.has(batch.frames[start + at]!.index),
      );

/**
 * Draws the question of one task about one part of a clip. Whether there is one does not depend on its answer: the part
 * must give the most frames that the task may want, before it is drawn how many are shown.
 */
export const drawSample = (
  { value: task, recipe }: Made<FragmentTask>,
  part: ClipPart,
  selector: FrameSelector,
  place: FragmentPlace,
): DrawnSample | Refusal => {
  const { needs } = task;
  const refusal = needs === "order" ? part.order : needs === "motion" ? part.motion : undefined;
  if (refusal !== undefined) return refusal;
  const random = seededRandom(place.seed, "fragments", recipe.name, place.number);
  const [least, most] = task.frames;
  const told = needs === "order" ? toldPlaces(part, place.told) : [];
  const from = {
    ...part,
    selector,
    ...(told.length > 0 && { left: placesApart(part.distances, told) }),
  };
  if (drawFrames(from, most, needs !== undefined, random.fork("most")) === undefined)
    return part.distances.count < most
      ? {
          ruleId: "short",
          reason: `${part.distances.count} usable frames; ${recipe.name} shows up to ${most}`,
        }
      : told.length > 0
        ? {
            ruleId: "told",
            reason: `no ${most} frames that look unlike those whose order another question tells, for ${recipe.name}`,
          }
        : { ruleId: "near-duplicate", reason: `no ${most} frames that all differ, for ${recipe.name}` };
  const wanted = least + balancedDraw(`${recipe.name}/frames`, place, most - least + 1);
  const places = drawFrames(from, wanted, needs !== undefined, random.fork("frames"));
  if (places === undefined)
    return { ruleId: "near-duplicate", reason: `no ${wanted} frames that all differ, for ${recipe.name}` };
  const draft = task.draw({
    frames: wanted,
    balanced: (count) => balancedDraw(`${recipe.name}/answer`, place, count),
    random: random.fork("question"),
  });
  const fragment = places.map((at) => part.start + at);
  return { draft, fragment, shown: draft.shown.map((frame) => fragment[frame]!) };
};

/**
 * The pictures of a drawn question: rendered anew where its task wants that, and all at the same levels there and where the
 * order is asked for, since a clip that gets lighter would tell it.
 *
 * @param take gives memory for pictures that are not shown as they are; what is in it is written over
 */
export const picturesOfSample = (
  { value: task, recipe }: Made<FragmentTask>,
  { shown }: DrawnSample,
  { batch }: ClipPart,
  { seed, number }: FragmentPlace,
  take: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): ShownPicture[] => {
  const pictures = shown.map((place) => shownFrame(batch, place));
  if (task.anew !== true && task.needs !== "order") return pictures;
  const own = pictures.map(levelsOf);
  const levels = levelsBetween(own);
  if (task.anew !== true)
    return pictures.map((picture, at) => atLevels(picture, own[at]!, levels, take(picture.pixels.length)));
  return pictures.map((picture, at) =>
    renderedAnew(picture, own[at]!, levels, seededRandom(seed, "rendered", recipe.name, number, at), take),
  );
};
