/** What is looked at while a model is trained: clips that it is not trained on, decoded once and kept. */
import { conversationBatches } from "../../batch/conversation-batches.ts";
import { seededRandom } from "../../core/random.ts";
import type { Trainee } from "../../training/loop.ts";
import type { ScoredBatch } from "../../training/picture-check.ts";
import { drawRandomRemoval } from "../ask/twin-views.ts";
import type { FeedMeans, LoadedClip } from "./clip-feed.ts";
import type { SampleGroup } from "./rows.ts";
import type { CommonSettings } from "./settings.ts";

/** Held-out clips with their twins and controls. */
export type HeldOutClips = () => Promise<readonly LoadedClip[]>;

/** Computed at the first call. */
const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let kept: Promise<T> | undefined;
  return () => {
    kept ??= make();
    return kept;
  };
};

/** A draw of held-out clips, the same ones whenever it is asked. */
export const drawnHeldOut = (
  groups: readonly SampleGroup[],
  { validation, seed }: Pick<CommonSettings, "validation"> & { readonly seed: number },
): SampleGroup[] =>
  seededRandom(seed, "held out")
    .shuffled([...groups])
    .slice(0, validation.clips);

/** Reads with each clip its twin and a random removal of as many frames, one draw of a clip. */
export const withControl = (means: FeedMeans, seed: number): FeedMeans => ({
  ...means,
  withTwin: true,
  keywords: undefined,
  control: (sample, view, indices) =>
    drawRandomRemoval(sample, view, indices, seededRandom(seed, "random-removal", sample.clip.sha256)),
});

/**
 * A draw of held-out clips, the same ones at every look.
 *
 * @param read a clip with its twin and a random removal of as many frames
 */
export const heldOutClips = (
  groups: readonly SampleGroup[],
  read: (group: SampleGroup) => Promise<LoadedClip | undefined>,
  settings: Pick<CommonSettings, "validation"> & { readonly seed: number },
): HeldOutClips =>
  once(async () => {
    const clips = await Promise.all(drawnHeldOut(groups, settings).map(read));
    return clips.filter((clip) => clip !== undefined);
  });

/** The reference answers about held-out clips: what validation loss and the check of the pictures are computed on. */
export const heldOutLooks = (
  clips: HeldOutClips,
  { positionsPerBatch }: Pick<CommonSettings, "positionsPerBatch">,
  { rules }: Pick<Trainee, "rules">,
): (() => Promise<readonly ScoredBatch[]>) =>
  once(async () => {
    const groups = (await clips()).map(({ media, texts }) => ({
      media,
      texts: texts.map(({ tokens }) => tokens),
    }));
    const made = conversationBatches(groups, rules, { mostPositions: positionsPerBatch });
    return made.map(({ batch, scored }) => ({ batch, scored }));
  });
