import type { Made } from "../../core/registry.ts";
import {
  benchmarkFragments,
  type FragmentQuestionName,
} from "../../fragments/finevidbench/fragment-questions.ts";
import type { FragmentTask } from "../../fragments/fragment-task.ts";
import { type FrameSelector, frameSelectors } from "../../selection/selectors.ts";
import { chosenTeacher } from "../build/clip-tools.ts";
import { answersFolder } from "../build/protocol.ts";
import type { TeachTools } from "../build/teach-rows.ts";
import { type Clips, openClips } from "../clips.ts";
import type { FineVidBenchOrder } from "./protocol.ts";

/** What is held open while one clip after the other is made. */
export interface BenchmarkTools extends TeachTools, AsyncDisposable {
  readonly order: FineVidBenchOrder;
  readonly clips: Clips;
  readonly tasks: Readonly<Record<FragmentQuestionName, FragmentTask>>;
  readonly selector: Made<FrameSelector>;
}

/**
 * Opens what the order names.
 *
 * @param teacher `NAME:ARGUMENT` of who is asked what clips show; undefined: nobody
 * @throws {UnknownNameError} for an unknown selector or teacher
 * @throws {ConfigError} for bad parameters
 */
export const openBenchmarkTools = async (
  order: FineVidBenchOrder,
  teacher: string | undefined,
  workers: number,
  warn: (line: string) => void,
): Promise<BenchmarkTools> => {
  const selector = await frameSelectors.choose(order.settings.selector);
  const tasks = await benchmarkFragments();
  const asked = await chosenTeacher(teacher);
  const clips = openClips({ ...order.reading, workers }, warn);
  const answersFolders = [answersFolder(order.out), clips.answersFolder].filter((one) => one !== undefined);
  return {
    order,
    clips,
    tasks,
    selector,
    teach: asked?.open({ answersFolders, processes: 1 }),
    [Symbol.asyncDispose]: () => clips[Symbol.asyncDispose](),
  };
};
