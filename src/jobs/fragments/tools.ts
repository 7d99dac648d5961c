import { MemoryPool } from "../../core/memory-pool.ts";
import type { Made } from "../../core/registry.ts";
import type { Filter } from "../../dataset/filter.ts";
import { type FragmentTask, fragmentTasks } from "../../fragments/fragment-task.ts";
import { type FrameSelector, frameSelectors } from "../../selection/selectors.ts";
import { type Clips, openClips } from "../clips.ts";
import type { FragmentOrder } from "./protocol.ts";

/** Pictures that the questions about a fragment usually have at most; more are no harm. */
const picturesOfFragment = 24;

/** What is held open while the fragments of one clip after the other are made. */
export interface FragmentTools extends AsyncDisposable {
  readonly order: FragmentOrder;
  readonly clips: Clips;
  /** Clips that are made at a time: one more than decoders, which have work while another clip's pictures are made. */
  readonly atATime: number;
  readonly tasks: readonly Made<FragmentTask>[];
  readonly selector: Made<FrameSelector>;
  /** Memory for the frames of the clips in work, and for the pictures of a fragment of each. */
  readonly memory: { readonly frames: MemoryPool; readonly pictures: MemoryPool };
  /** Clips that must not get in. */
  readonly keptApart: Filter | undefined;
}

/**
 * Opens what the order names.
 *
 * @throws {UnknownNameError} for an unknown task or selector
 * @throws {ConfigError} for bad parameters
 */
export const openFragmentTools = async (
  order: FragmentOrder,
  workers: number,
  keptApart: Filter | undefined,
  warn: (line: string) => void,
): Promise<FragmentTools> => {
  const tasks = await Promise.all(order.settings.tasks.map((text) => fragmentTasks.choose(text)));
  const selector = await frameSelectors.choose(order.settings.selector);
  const clips = openClips({ ...order.reading, workers }, warn);
  const atATime = workers + 1;
  return {
    order,
    clips,
    atATime,
    tasks,
    selector,
    memory: { frames: new MemoryPool(atATime), pictures: new MemoryPool(picturesOfFragment * atATime) },
    keptApart,
    [Symbol.asyncDispose]: () => clips[Symbol.asyncDispose](),
  };
};
