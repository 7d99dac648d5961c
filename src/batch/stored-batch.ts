/** Batches as data that a file can hold: their patches are in them instead of being asked for. */
import type { MediaStep, PatchArray } from "./media-step.ts";
import type { TokenBatch } from "./token-batch.ts";

/** A batch with its patches. */
export interface StoredBatch extends Omit<TokenBatch, "media"> {
  readonly media: readonly (Omit<MediaStep, "patches"> & { readonly patches: PatchArray })[];
}

/** Reads a batch's patches into it. */
export const storedBatch = async (batch: TokenBatch): Promise<StoredBatch> => ({
  ...batch,
  media: await Promise.all(batch.media.map(async (step) => ({ ...step, patches: await step.patches() }))),
});

/** The batch that {@link storedBatch} was given. */
export const batchOfStored = (stored: StoredBatch): TokenBatch => ({
  ...stored,
  media: stored.media.map((step) => ({ ...step, patches: () => step.patches })),
});
