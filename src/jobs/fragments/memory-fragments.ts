/** Fragment tasks of clips whose frames are in memory: nothing is decoded, written or read. */
import { seededRandom } from "../../core/random.ts";
import type { Made } from "../../core/registry.ts";
import { drawSample, picturesOfSample } from "../../fragments/draw-samples.ts";
import type { FragmentTask, TaskDraft } from "../../fragments/fragment-task.ts";
import { type ClipPart, usableParts } from "../../fragments/parts.ts";
import type { ShownPicture } from "../../fragments/shown-picture.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import { resizeBicubic } from "../../frames/resize.ts";
import type { FrameSelector } from "../../selection/selectors.ts";
import { aboutShortClip } from "./fragment-messages.ts";

/** What questions in memory are drawn with. */
export interface FragmentDraws {
  readonly tasks: readonly Made<FragmentTask>[];
  readonly selector: FrameSelector;
  readonly seed: number;
}

/** A clip that fragments are drawn from. */
export interface FragmentClipInMemory {
  readonly id: string;
  readonly part: ClipPart;
  /** Pictures are brought to this size: a part is shown without its clip's bars, or a little cut off. */
  readonly width: number;
  readonly height: number;
}

/** A question about pictures, all of one size. */
export interface FragmentQuestion {
  readonly id: string;
  readonly task: string;
  readonly clip: string;
  /** rgb24 [height, width, 3] each, in the order in which they are shown; of an unchanged frame a view of the clip's. */
  readonly pictures: readonly Uint8Array[];
  readonly width: number;
  readonly height: number;
  readonly question: string;
  readonly answer: string;
  readonly answerKind: TaskDraft["answerKind"];
  /** Every answer that the task could have. */
  readonly answers: readonly string[];
}

/** The part of a clip that fragments are drawn from; undefined where it has none. */
export const clipInMemory = (id: string, frames: FrameBatch): FragmentClipInMemory | undefined => {
  const [part] = usableParts([frames]);
  return part === undefined ? undefined : { id, part, width: frames.width, height: frames.height };
};

const upTo = (count: number, from = 1): number[] => Array.from({ length: count }, (_, at) => from + at);

const ordersOf = (labels: readonly number[]): string[] =>
  labels.length < 2
    ? [labels.join(",")]
    : labels.flatMap((first) =>
        ordersOf(labels.filter((one) => one !== first)).map((rest) => `${first},${rest}`),
      );

/** Every answer that a question like this could have, whatever its pictures show. */
export const possibleAnswers = (
  { frames: [least, most], hasTarget }: FragmentTask,
  { answerKind, options, shown }: TaskDraft,
): readonly string[] => {
  if (options !== undefined) return options;
  if (answerKind === "permutation") return ordersOf(upTo(shown.length));
  if (answerKind === "number") return upTo(most - least + 1, least).map(String);
  return [...upTo(shown.length - (hasTarget === true ? 1 : 0)).map(String), "none"];
};

const sized = (
  picture: ShownPicture,
  { width, height }: Pick<FragmentClipInMemory, "width" | "height">,
): Uint8Array =>
  picture.width === width && picture.height === height
    ? picture.pixels
    : resizeBicubic(picture.pixels, picture.width, picture.height, width, height);

/**
 * The question of one task about a clip, as `fragments --form clip` would ask it.
 *
 * @param number of the fragment in the whole set; answers are balanced along it
 * @returns undefined where the clip gives none
 */
export const fragmentQuestion = (
  made: Made<FragmentTask>,
  clip: FragmentClipInMemory,
  number: number,
  { selector, seed }: FragmentDraws,
): FragmentQuestion | undefined => {
  const { id, part, width, height } = clip;
  const drawn = drawSample(made, part, selector, { seed, number });
  if ("ruleId" in drawn) return undefined;
  const { value: task, recipe } = made;
  const { draft } = drawn;
  const pictures = picturesOfSample(made, drawn, part, { seed, number }).map((one) => sized(one, clip));
  const words = aboutShortClip(task, draft, "").content.find((piece) => piece.type === "text");
  return {
    id: `${id}/${number}/${recipe.name}`,
    task: recipe.name,
    clip: id,
    pictures,
    width,
    height,
    question: words?.text ?? draft.question,
    answer: draft.answer,
    answerKind: draft.answerKind,
    answers: possibleAnswers(task, draft),
  };
};

/** Questions of every task about every clip, `perClip` fragments each; clips that give none of a task are left out. */
export const fragmentQuestions = (
  clips: readonly FragmentClipInMemory[],
  perClip: number,
  draws: FragmentDraws,
): FragmentQuestion[] =>
  clips.flatMap((clip, at) =>
    Array.from({ length: perClip }, (_, sequence) =>
      draws.tasks.flatMap((made) => fragmentQuestion(made, clip, at * perClip + sequence, draws) ?? []),
    ).flat(),
  );

/**
 * The same question about one of its pictures, repeated: what can be answered without seeing an order or a difference. Which one
 * is drawn, and not by its place: the middle one of three that are in order is of the middle of the fragment, of three that are
 * not it never is, and where a single picture tells about when it was, that is an answer.
 */
export const withOnePicture = (question: FragmentQuestion): FragmentQuestion => {
  const { id, pictures } = question;
  const one = pictures[seededRandom("the repeated picture", id).integer(pictures.length)]!;
  return { ...question, pictures: pictures.map(() => one) };
};

const drawsForWords = 300;

/** Words as a tokenizer of whole words reads them: marks stand apart. */
export const spacedWords = (text: string): string =>
  text
    .replace(/([.,?;:])/g, " $1 ")
    .split(/\s+/)
    .filter((word) => word !== "")
    .join(" ");

/** Every word of the tasks' wordings and answers. */
export const fragmentWords = (tasks: readonly Made<FragmentTask>[]): string[] => {
  const words = new Set<string>();
  for (const { value: task, recipe } of tasks) {
    const [least, most] = task.frames;
    for (let draw = 0; draw < drawsForWords; draw++) {
      const random = seededRandom("words", recipe.name, draw);
      const frames = least + (draw % (most - least + 1));
      const draft = task.draw({ frames, balanced: (count) => draw % count, random });
      const asked = aboutShortClip(task, draft, "").content.find((piece) => piece.type === "text");
      for (const text of [asked?.text ?? "", ...possibleAnswers(task, draft)])
        for (const word of spacedWords(text).split(" ")) words.add(word);
    }
  }
  return [...words].sort();
};
