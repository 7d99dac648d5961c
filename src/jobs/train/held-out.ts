import { conversationBatches } from "../../batch/conversation-batches.ts";
import { seededRandom } from "../../core/random.ts";
import type { Trainee } from "../../training/loop.ts";
import type { ScoredBatch } from "../../training/picture-check.ts";
import { type FeedMeans, loadGroup } from "./clip-feed.ts";
import type { SampleGroup } from "./rows.ts";
import type { CommonSettings } from "./settings.ts";

/**
 * The reference answers about held-out clips, decoded at the first look and kept: what validation loss and the check of
 * the pictures are computed on.
 */
export const heldOutLooks = (
  groups: readonly SampleGroup[],
  means: FeedMeans,
  { validation, positionsPerBatch, seed }: CommonSettings & { readonly seed: number },
  { rules }: Pick<Trainee, "rules">,
  signal: AbortSignal,
): (() => Promise<readonly ScoredBatch[]>) => {
  let kept: Promise<readonly ScoredBatch[]> | undefined;
  const make = async (): Promise<readonly ScoredBatch[]> => {
    const chosen = seededRandom(seed, "held out")
      .shuffled([...groups])
      .slice(0, validation.clips);
    const plain = { ...means, withTwin: false, keywords: undefined };
    const clips = (await Promise.all(chosen.map((group) => loadGroup(group, plain, signal)))).filter(
      (clip) => clip !== undefined,
    );
    const made = conversationBatches(
      clips.map(({ media, texts }) => ({ media, texts: texts.map(({ tokens }) => tokens) })),
      rules,
      { mostPositions: positionsPerBatch },
    );
    return made.map(({ batch, scored }) => ({ batch, scored }));
  };
  return () => {
    kept ??= make();
    return kept;
  };
};
