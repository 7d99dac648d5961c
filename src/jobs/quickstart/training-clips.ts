import { twinView } from "../../absent/twin-view.ts";
import { seededRandom } from "../../core/random.ts";
import { questionText } from "../../dataset/question.ts";
import { interventionRegistry } from "../../evaluation/interventions.ts";
import { clipPatches } from "../../frames/clip-patches.ts";
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

/**
 * Held-out clips with their control: as many frames frozen as in the twin, in stretches of the same lengths, outside the
 * event. Clips without room for them are left out.
 */
export const heldOutClips = async (
  tested: readonly PairedClip[],
  stage: Pick<StageContext, "recipe" | "language">,
): Promise<HeldOutClip[]> => {
  const { value: freeze } = await interventionRegistry.make("random-removal");
  const clips = trainingClips(tested, stage);
  const held: HeldOutClip[] = [];
  for (const [i, clip] of clips.entries()) {
    const { samples, frames } = tested[i]!;
    const sample = samples[0]!;
    if (sample.absent === undefined) continue;
    const view = freeze({
      sample,
      twin: await twinView(sample.absent),
      positions_T: frames.frames.map(({ index }) => index as number),
      random: seededRandom(stage.recipe.seed, "frozen control", clip.id),
      partner: null,
    });
    if (view === null) continue;
    const { width, height } = frames;
    const shown = clipPatches(
      shownPictures(frames, view),
      width,
      height,
      stage.recipe.framesPerSecond,
      patchShape,
    );
    const own = clip.patches.steps;
    const changed = shown.steps.flatMap((step, at): [number, Uint8Array][] =>
      Buffer.compare(step, own[at]!) === 0 ? [] : [[at, step]],
    );
    held.push({ clip, frozenSteps: new Map(changed) });
  }
  return held;
};
