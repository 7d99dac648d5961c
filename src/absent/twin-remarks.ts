import { lostEvents } from "./lost-events.ts";
import type { MadePair } from "./make-pair.ts";
import type { TwinView } from "./twin-view.ts";

/** A freeze that is shorter than this may lie between two frames that a model looks at. */
const shortSeconds = 0.5;

const percent = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;

/** How many stretches of consecutive frames are changed, and how long they last together. */
const stretchesOf = ({ source }: MadePair, { changed }: TwinView): { runs: number; seconds: number } => {
  const { timeline, durationSeconds } = source;
  const seconds = changed.reduce((sum, index) => {
    const next = timeline[index + 1]?.timeSeconds ?? durationSeconds;
    return sum + Math.max(0, next - timeline[index]!.timeSeconds);
  }, 0);
  return { runs: changed.filter((index, at) => changed[at - 1] !== index - 1).length, seconds };
};

/**
 * What a person should know of a twin, a line each: what share of the clip was replaced, and of known events; that it is
 * one short freeze; that the caption was not read.
 *
 * @param view of the twin as it was written, when that is not as it was planned
 */
export const twinRemarks = (made: MadePair, view: TwinView = made.view): string[] => {
  const { timeline } = made.source;
  const { runs, seconds } = stretchesOf(made, view);
  const [gone, all] = [view.changed.length, timeline.length];
  const remarks = [`replaced: ${gone} of the clip's ${all} frames (${percent(gone, all)})`];
  if (made.knownSpans !== undefined) {
    const lost = lostEvents(timeline, view, made.knownSpans);
    remarks.push(
      `of the events: ${lost.gone} of their ${lost.frames} frames are gone (${percent(lost.gone, lost.frames)}), at least half of ${lost.halfGone} of ${lost.events}, nothing is left of ${lost.unseen}`,
    );
  }
  if (runs === 1 && seconds < shortSeconds)
    remarks.push(
      `note: the twin is one short freeze of ${seconds.toFixed(2)} s; most of the moment may still be seen`,
    );
  if (made.pair.caption !== undefined && !made.relevance.usesText)
    remarks.push(
      `note: the caption was not read: relevance ${made.pair.relevance.name} compares no frame with words`,
    );
  return remarks;
};
