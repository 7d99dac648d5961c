import { twinView } from "../../absent/twin-view.ts";
import { seededRandom } from "../../core/random.ts";
import { questionText } from "../../dataset/question.ts";
import { interventionRegistry } from "../../evaluation/interventions.ts";
import { type ClipPatches, clipPatches } from "../../frames/clip-patches.ts";
import { absentSteps } from "../../training/absent-steps.ts";
import type { HeldOutClip, TrainingClip } from "../../training/clip.ts";
import { patchShape, picturesOf, shownPictures } from "./clips.ts";
import type { PairedClip } from "./pairs.ts";
import type { StageContext } from "./training.ts";

/** Clips with their pairs, as tokens and patches. */
export const trainingClips = (
  clips: readonly PairedClip[],
  { recipe, language }: Pick<StageContext, "recipe" | "language">,
): TrainingClip[] => {
  const { tokenizer, end } = language;
  return clips.map(({ sha256, samples, frames, view }): TrainingClip => {
    const { width, height } = frames;
    const { framesPerSecond } = recipe;
    return {
      id: sha256,
      patches: clipPatches(picturesOf(frames), width, height, framesPerSecond, patchShape),
      absentSteps: absentSteps(frames, view, framesPerSecond, patchShape),
      keywords: (samples[0]!.keywords ?? []).flatMap((word) => tokenizer.encode(word)),
      texts: samples.map((sample) => ({
        sampleId: sample.id,
        skill: sample.skill ?? "all",
        question: questionText(sample),
        answer: sample.answer,
        answerKind: sample.answerKind,
        ...(sample.options === undefined
          ? {}
          : {
              options: sample.options,
              optionTargets: sample.options.map((option) => [...tokenizer.encode(option), end]),
            }),
        prompt: tokenizer.encode(questionText(sample)),
        target: [...tokenizer.encode(sample.answer), end],
        aboutEvent: sample.provenance["aboutEvent"] === true,
      })),
    };
  });
};

/** Patches of a clip under a view of its frames. */
const patchesOf = (
  { frames }: PairedClip,
  view: Parameters<typeof shownPictures>[1],
  framesPerSecond: number,
): ClipPatches =>
  clipPatches(shownPictures(frames, view), frames.width, frames.height, framesPerSecond, patchShape);

/** The steps that differ between a clip and itself otherwise shown. */
const changedSteps = (own: ClipPatches, other: ClipPatches): Map<number, Uint8Array> =>
  new Map(
    other.steps.flatMap((step, at): [number, Uint8Array][] =>
      Buffer.compare(step, own.steps[at]!) === 0 ? [] : [[at, step]],
    ),
  );

/** Where random frames may be frozen: anywhere but in the twin's own, or outside the event as well. */
export type FrozenPlaces = "anywhere" | "outside the event";

/** Frames that are shown: every n-th of those in memory. */
const positionsOf = ({ frames }: PairedClip, every: number): number[] =>
  frames.frames.flatMap(({ index }, at) => (at % every === 0 ? [index as number] : []));

/**
 * For each clip the steps of a control: as many frames frozen as in its twin, in stretches of the same lengths, but at
 * random. Empty where there is no twin or no room.
 *
 * @param clips the same clips as they are shown, every `every`-th frame
 */
export const frozenControls = async (
  paired: readonly PairedClip[],
  clips: readonly TrainingClip[],
  { recipe }: Pick<StageContext, "recipe">,
  places: FrozenPlaces,
  every = 1,
): Promise<Map<number, Uint8Array>[]> => {
  const { value: freeze } = await interventionRegistry.make("random-removal");
  const made: Map<number, Uint8Array>[] = [];
  for (const [i, clip] of clips.entries()) {
    const one = paired[i]!;
    const { absent, events, ...sample } = one.samples[0]!;
    const isAnywhere = places === "anywhere";
    const twin = absent && (isAnywhere ? { ...absent, keyFrames: [] } : absent);
    const view =
      twin === undefined
        ? null
        : freeze({
            sample: { ...sample, ...(isAnywhere || events === undefined ? {} : { events }), absent: twin },
            twin: await twinView(twin),
            positions_T: positionsOf(one, every),
            random: seededRandom(recipe.seed, "frozen control", places, clip.id),
            partner: null,
          });
    made.push(
      view === null
        ? new Map()
        : changedSteps(clip.patches, patchesOf(one, view, recipe.framesPerSecond / every)),
    );
  }
  return made;
};

/** A clip with its twin as every n-th frame shows them. */
const thinnedClip = async (
  clip: TrainingClip,
  one: PairedClip,
  framesPerSecond: number,
  every: number,
): Promise<TrainingClip> => {
  const positions = positionsOf(one, every);
  const patches = patchesOf(one, { shown_T: positions }, framesPerSecond / every);
  const shown_T = positions.map((index) => one.view.at(index).source);
  const { pixels } = one.view;
  const at_T = positions.map((index) => one.view.changes(index));
  const painted = pixels === null ? {} : { painted: { by: one.pair.builder, pixels, at_T } };
  const twin = patchesOf(one, { shown_T, ...painted }, framesPerSecond / every);
  return { ...clip, patches, absentSteps: changedSteps(patches, twin) };
};

/**
 * Held-out clips with their control outside the event; clips without room for one are left out.
 *
 * @param every shows every n-th frame of those in memory
 */
export const heldOutClips = async (
  tested: readonly PairedClip[],
  stage: Pick<StageContext, "recipe" | "language">,
  every = 1,
): Promise<HeldOutClip[]> => {
  const whole = trainingClips(tested, stage);
  const { framesPerSecond } = stage.recipe;
  const clips =
    every === 1
      ? whole
      : await Promise.all(whole.map((clip, i) => thinnedClip(clip, tested[i]!, framesPerSecond, every)));
  const frozen = await frozenControls(tested, clips, stage, "outside the event", every);
  return clips
    .map((clip, i) => ({ clip, frozenSteps: frozen[i]! }))
    .filter(({ frozenSteps }) => frozenSteps.size > 0);
};
