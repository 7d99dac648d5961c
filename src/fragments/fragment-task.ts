import { z } from "zod";
import type { Random } from "../core/random.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { AnswerKind } from "../grading/grade-answer.ts";

/** What a task is drawn from. Frames are places in the fragment, 0-based and in true order. */
export interface TaskRequest {
  /** Frames of the fragment, in true order and pairwise different: what the task asked for by `frames`. */
  readonly frames: number;
  /** One of `count` answers that must be equally frequent; the same draw for equal counts. */
  readonly balanced: (count: number) => number;
  readonly random: Random;
}

/** A question about pictures of one fragment. */
export interface TaskDraft {
  /** Which frame each picture shows, in the order in which they are shown. A frame may be shown twice. */
  readonly shown: readonly number[];
  /** One of the five wordings. */
  readonly question: string;
  /** Which of them, from 0. */
  readonly template: number;
  readonly answer: string;
  readonly answerKind: AnswerKind;
  readonly options?: readonly string[];
  /** What else was drawn; recorded with the sample. */
  readonly drawn: Readonly<Record<string, unknown>>;
}

/** How a task makes its questions. */
export interface FragmentTask {
  /** Fewest and most frames of a fragment; how many is drawn evenly, whatever the clip. */
  readonly frames: readonly [least: number, most: number];
  /**
   * What a clip must have; nothing when left out. "motion": frames that differ from each other. "order": besides, frames
   * whose order can be told (no there-and-back, no loop).
   */
  readonly needs?: "motion" | "order";
  /**
   * Every picture is rendered anew (moved by some pixels, grain, light), so that equal files or equal pixels tell nothing
   * of a frame that is shown twice, and what drifts with time nothing of the order.
   */
  readonly anew?: true;
  /** Pictures are named "Frame 1:" and so on; not where their number is asked for. */
  readonly labelled?: true;
  /** The first picture is one that is looked for: it has no number. */
  readonly hasTarget?: boolean;
  draw(request: TaskRequest): TaskDraft;
}

/** A task's file: `tasks/<name>.ts`. */
export type FragmentTaskPlugin = Plugin<FragmentTask>;

/** Declares a fragment task. */
export const defineFragmentTask: Define<FragmentTaskPlugin> = definer("fragment task");

/** Every fragment task, by file name. */
export const fragmentTasks: Registry<FragmentTaskPlugin> = folderRegistry<FragmentTaskPlugin>(
  "fragment task",
  new URL("./tasks/", import.meta.url),
);

/** The parameters that {@link frameBounds} reads. */
type PictureCounts = z.ZodObject<
  { least: z.ZodDefault<z.ZodInt>; most: z.ZodDefault<z.ZodInt> },
  z.core.$strict
>;

/** Parameters for how many pictures are shown; `usual` where nobody says, `possible` what may be said. */
export const pictureCounts = (
  possible: readonly [number, number],
  usual: readonly [least: number, most: number],
  what = "pictures",
): PictureCounts => {
  const count = z.int().min(possible[0]).max(possible[1]);
  const [least, most] = usual;
  return z.strictObject({
    least: count.default(least).describe(`fewest ${what}`),
    most: count.default(most).describe(`most ${what}`),
  });
};

/** Whether pictures whose order is asked for are rendered anew, as a parameter of a task. */
export const anewParam: z.ZodDefault<z.ZodBoolean> = z
  .boolean()
  .default(true)
  .describe(
    "render every picture anew: brightness, hue, sharpness and borders, which change smoothly in time, tell less of the order",
  );

/** One of a task's wordings, each as often as the others. */
export const drawnWording = (
  wordings: readonly string[],
  random: Random,
): Pick<TaskDraft, "question" | "template"> => {
  const template = random.integer(wordings.length);
  return { question: wordings[template]!, template };
};

/** Fewest and most frames as parameters of a task. */
export const frameBounds = (
  { least, most }: { readonly least: number; readonly most: number },
  lowest: number,
): readonly [number, number] => [Math.max(lowest, Math.min(least, most)), Math.max(lowest, least, most)];
