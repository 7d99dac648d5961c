import type { MadePair } from "../../absent/make-pair.ts";
import { shownPicture, type TwinFrame, type TwinView } from "../../absent/twin-view.ts";
import { type Random, seededRandom } from "../../core/random.ts";
import type { Sample } from "../../dataset/sample.ts";
import { interventionRegistry, type View } from "../../evaluation/interventions.ts";
import type { Look } from "./answerer.ts";

/** What is shown at each position of a look: a frame of the clip, perhaps with changed pixels. */
export type ShownFrames = readonly TwinFrame[];

/** The clip as it is. */
export const completeFrames = ({ indices }: Look): ShownFrames =>
  indices.map((source) => ({ source, pixels: null }));

/** The absent twin. */
export const twinFrames = ({ indices }: Look, { view }: MadePair): ShownFrames =>
  indices.map((index) => view.at(index));

/** A row of a data set about the clip, as an intervention wants it. */
const rowOf = ({ pair, source }: MadePair): Sample => ({
  id: pair.complete.sha256,
  clip: { ...pair.complete, timeline: source.timeline },
  absent: { keyFrames: pair.keyFrames, replacements: pair.replacements, builder: pair.builder },
  messages: [],
  answer: "",
  answerKind: "open",
  provenance: {},
});

const shownBy = ({ shown_T, painted }: View): ShownFrames =>
  shown_T.map((source, t) => ({
    source: source!,
    pixels: painted?.at_T[t] === true ? painted.pixels : null,
  }));

/**
 * One draw of the control: as many other frames taken away, in the same way; undefined where the clip has no room for it.
 *
 * @param indices frames of the clip at the positions, ascending
 */
export const drawRandomRemoval = async (
  sample: Sample,
  twin: TwinView,
  indices: readonly number[],
  random: Random,
): Promise<ShownFrames | undefined> => {
  const removal = await interventionRegistry.make("random-removal");
  const view = removal.value({ sample, twin, positions_T: indices, random, partner: null });
  return view === null ? undefined : shownBy(view);
};

/** The control, drawn several times; none where a clip has no room for it. @param seed of the draws */
export const randomFrames = async (
  { indices }: Look,
  made: MadePair,
  draws: number,
  seed: number,
): Promise<ShownFrames[]> => {
  const drawn: ShownFrames[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const random = seededRandom("ask", "random-removal", seed, draw);
    const shown = await drawRandomRemoval(rowOf(made), made.view, indices, random);
    if (shown === undefined) return [];
    drawn.push(shown);
  }
  return drawn;
};

/** The pictures of shown frames. @param found rgb24 of the look's size by index in the clip */
export const picturesOf = (
  shown: ShownFrames,
  found: ReadonlyMap<number, Uint8Array>,
  { width, height }: Look,
): Uint8Array[] => shown.map((frame) => shownPicture(frame, found.get(frame.source)!, width, height));
