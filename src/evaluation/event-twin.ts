import type { AbsentReference, EventSpan } from "../dataset/sample.ts";
import type { Timeline } from "../video/types.ts";

/**
 * The absent twin of a clip whose events are known: every frame of an event shows the last frame before it, or the
 * first one behind it where nothing is before. The same frames go as with the builder "span" on events.
 *
 * @returns undefined when no frame lies in an event, or all do
 */
export const eventTwin = (
  timeline: Timeline,
  events: readonly Pick<EventSpan, "startSeconds" | "endSeconds">[],
): AbsentReference | undefined => {
  const isInside = timeline.map(({ timeSeconds }) =>
    events.some(({ startSeconds, endSeconds }) => timeSeconds >= startSeconds && timeSeconds < endSeconds),
  );
  const first = isInside.indexOf(false);
  if (first < 0 || !isInside.includes(true)) return undefined;
  const replacements: { index: number; from: number }[] = [];
  let before = first;
  isInside.forEach((inside, t) => {
    if (inside) replacements.push({ index: timeline[t]!.index, from: timeline[before]!.index });
    else before = t;
  });
  return {
    keyFrames: replacements.map(({ index }) => index),
    replacements,
    builder: { name: "span", params: {} },
  };
};
