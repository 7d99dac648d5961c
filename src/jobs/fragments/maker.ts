import { join } from "node:path";
import { syncFiles } from "../../core/files.ts";
import type { PlannedClip } from "../build/protocol.ts";
import { makeFragmentClip } from "./make-clip.ts";
import { type FragmentClip, type FragmentOrder, picturesFolder } from "./protocol.ts";
import { type ClipsKeptApart, type FragmentMeans, namedTools, openFragmentTools } from "./tools.ts";

/** Makes the fragments of clips. */
export interface FragmentMaker extends AsyncDisposable {
  /** Clips that it makes at a time. */
  readonly atATime: number;
  /** The clip's fragments; the files that they name are on the disk. */
  make(planned: PlannedClip, signal: AbortSignal): Promise<FragmentClip>;
}

/** Makes them in this thread. @throws see {@link openFragmentTools} */
export const openMakerHere = async (
  order: FragmentOrder,
  means: FragmentMeans,
  warn: (line: string) => void,
): Promise<FragmentMaker> => {
  const tools = await openFragmentTools(order, means, warn);
  const isImages = order.settings.form === "images";
  const isPicture = (name: string): boolean => name.startsWith(`${picturesFolder}/`);
  return {
    atATime: tools.atATime,
    make: async (planned, signal) => {
      const made = await makeFragmentClip(planned, tools, signal);
      // The result is what a stopped run goes on from: what it names must be there before it.
      const media = made.rows.flatMap(({ files }) => files).filter((name) => isImages === isPicture(name));
      await syncFiles(media.map((name) => join(order.out, name)));
      return made;
    },
    [Symbol.asyncDispose]: () => tools[Symbol.asyncDispose](),
  };
};

/** Clips that are worth the start of a thread. */
const clipsPerThread = 12;

/** How much there is to do, and with what. */
export interface MakerRequest {
  readonly workers: number;
  readonly clips: number;
  readonly keptApart: ClipsKeptApart | undefined;
}

/**
 * Makes the fragments of so many clips: of many in threads, one for each decoder, since comparing and rendering pictures
 * takes nearly as long as decoding them.
 *
 * @throws see {@link openFragmentTools}
 */
export const openMaker = async (
  order: FragmentOrder,
  { workers, clips, keptApart }: MakerRequest,
  warn: (line: string) => void,
): Promise<FragmentMaker> => {
  const threads = Math.min(workers, Math.floor(clips / clipsPerThread));
  if (threads < 2) return openMakerHere(order, { decoders: workers, threads: workers, keptApart }, warn);
  // Bad names are told here, and before anything is started.
  await namedTools(order);
  const { openMakingThreads } = await import("./making-thread.ts");
  return openMakingThreads(order, { decoders: 1, threads: 1, keptApart }, threads, warn);
};
