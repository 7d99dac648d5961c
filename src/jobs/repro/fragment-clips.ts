/** Fragment questions as a small model reads them, and steps that mix them with clips of the world. */

import { fragmentTasks } from "../../fragments/fragment-task.ts";
import { type ClipPatches, clipPatches } from "../../frames/clip-patches.ts";
import type { FragmentShare, FragmentStudy } from "../../recipes/repro/study.ts";
import { frameSelectors } from "../../selection/selectors.ts";
import type { TrainingClip } from "../../training/clip.ts";
import { type MixPart, mixedOrder } from "../../training/mix.ts";
import { sftBatches } from "../../training/sft-batches.ts";
import type { StepSource } from "../../training/step-source.ts";
import {
  type FragmentDraws,
  type FragmentQuestion,
  spacedWords,
  withOnePicture,
} from "../fragments/memory-fragments.ts";
import { frameSeconds, shortClipFrames } from "../fragments/protocol.ts";
import { patchShape } from "../quickstart/clips.ts";
import type { WorldLanguage } from "../quickstart/language.ts";

/** Tasks and selector of a study. */
export const fragmentDraws = async (
  { tasks, selector }: Pick<FragmentStudy, "tasks" | "selector">,
  seed: number,
): Promise<FragmentDraws> => ({
  tasks: await Promise.all(tasks.map((named) => fragmentTasks.choose(named))),
  selector: (await frameSelectors.choose(selector)).value,
  seed,
});

/** Pictures as the frames of a short clip: each fills temporal steps of its own, at the time of its place. */
const stepsOf = ({ pictures, width, height }: FragmentQuestion): ClipPatches =>
  clipPatches(shortClipFrames(pictures), width, height, 1 / frameSeconds, patchShape);

/** A question as a clip with one text. */
export const questionClip = (
  asked: FragmentQuestion,
  { tokenizer, end }: Pick<WorldLanguage, "tokenizer" | "end">,
): TrainingClip => {
  const { id, task, question, answer, answerKind, answers } = asked;
  const target = (text: string): number[] => [...tokenizer.encode(spacedWords(text)), end];
  return {
    id,
    patches: stepsOf(asked),
    absentSteps: new Map(),
    keywords: [],
    contrasted: false,
    texts: [
      {
        sampleId: id,
        skill: task,
        question,
        answer,
        answerKind,
        options: answers,
        optionTargets: answers.map(target),
        prompt: tokenizer.encode(spacedWords(question)),
        target: target(answer),
        aboutEvent: false,
      },
    ],
  };
};

/**
 * Steps of clips and of fragment questions, by share: a step has pictures of one number only, and of fragments every task
 * comes as often as the others.
 */
export const fragmentSource = (
  clips: readonly TrainingClip[],
  questions: readonly FragmentQuestion[],
  { share, repeated }: FragmentShare,
  language: Pick<WorldLanguage, "tokenizer" | "end">,
  { clipsPerStep, seed }: { readonly clipsPerStep: number; readonly seed: number },
): StepSource<TrainingClip> => {
  const byTask = [...Map.groupBy(questions.keys(), (at) => questions[at]!.task).values()];
  const parts = byTask.flatMap((ofTask): MixPart[] =>
    [...Map.groupBy(ofTask, (at) => questions[at]!.pictures.length)].map(([pictures, places]) => ({
      places: places.map((at) => clips.length + at),
      weight: (share / byTask.length) * (places.length / ofTask.length),
      company: `${pictures} pictures`,
    })),
  );
  const world: MixPart = { places: [...clips.keys()], weight: 1 - share, company: "clips" };
  const order = mixedOrder(share < 1 ? [world, ...parts] : parts, clipsPerStep, seed);
  const clipAt = (at: number): TrainingClip => {
    if (at < clips.length) return clips[at]!;
    const question = questions[at - clips.length]!;
    return questionClip(repeated ? withOnePicture(question) : question, language);
  };
  return {
    take: async (step) => order(step).map(clipAt),
    batches: (chosen, objective, means, options, step) => sftBatches(chosen, objective, means, options, step),
  };
};
