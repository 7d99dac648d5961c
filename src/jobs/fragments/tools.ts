import { MemoryPool } from "../../core/memory-pool.ts";
import type { Made } from "../../core/registry.ts";
import { datasetFilters, type Filter } from "../../dataset/filter.ts";
import type { PrintedClip } from "../../dataset/near-clips.ts";
import { type FragmentTask, fragmentTasks } from "../../fragments/fragment-task.ts";
import { type FrameSelector, frameSelectors } from "../../selection/selectors.ts";
import { type Clips, openClips } from "../clips.ts";
import type { FragmentOrder } from "./protocol.ts";

/** Pictures that the questions about a fragment usually have at most; more are no harm. */
const picturesOfFragment = 24;

/** Clips that must not get in. */
export interface ClipsKeptApart {
  readonly hashes: readonly string[];
  readonly names: readonly string[];
  readonly prints: readonly PrintedClip[];
}

/** How fragments are made, besides what: nothing of it changes them. */
export interface FragmentMeans {
  /** Decoder processes. */
  readonly decoders: number;
  /** Threads of a decoder that works alone. */
  readonly threads: number;
  readonly keptApart: ClipsKeptApart | undefined;
}

/** What is held open while the fragments of one clip after the other are made. */
export interface FragmentTools extends AsyncDisposable {
  readonly order: FragmentOrder;
  readonly clips: Clips;
  /** Clips that are made at a time: one more than decoders, which have work while another clip's pictures are made. */
  readonly atATime: number;
  readonly tasks: readonly Made<FragmentTask>[];
  readonly selector: Made<FrameSelector>;
  /** Memory for the frames of the clips in work, and for the pictures of a fragment of each and their files. */
  readonly memory: { readonly frames: MemoryPool; readonly pictures: MemoryPool };
  /** Clips that must not get in. */
  readonly keptApart: Filter | undefined;
}

/** The tasks and the selector that an order names. @throws see {@link openFragmentTools} */
export const namedTools = async ({
  settings,
}: FragmentOrder): Promise<Pick<FragmentTools, "tasks" | "selector">> => ({
  tasks: await Promise.all(settings.tasks.map((text) => fragmentTasks.choose(text))),
  selector: await frameSelectors.choose(settings.selector),
});

/**
 * Opens what the order names.
 *
 * @throws {UnknownNameError} for an unknown task or selector
 * @throws {ConfigError} for bad parameters
 */
export const openFragmentTools = async (
  order: FragmentOrder,
  { decoders, threads, keptApart }: FragmentMeans,
  warn: (line: string) => void,
): Promise<FragmentTools> => {
  const { tasks, selector } = await namedTools(order);
  const apart = keptApart && (await datasetFilters.make("not-in", { ...keptApart }));
  const clips = openClips({ ...order.reading, workers: decoders, threads }, warn);
  const atATime = decoders + 1;
  return {
    order,
    clips,
    atATime,
    tasks,
    selector,
    memory: { frames: new MemoryPool(atATime), pictures: new MemoryPool(2 * picturesOfFragment * atATime) },
    keptApart: apart?.value,
    [Symbol.asyncDispose]: () => clips[Symbol.asyncDispose](),
  };
};
