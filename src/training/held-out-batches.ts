import { segmentsBatch } from "../batch/segments-batch.ts";
import type { HeldOutClip } from "./clip.ts";
import type { Trainee } from "./loop.ts";
import type { ScoredBatch } from "./picture-check.ts";

const clipsABatch = 8;

/** The reference answers about held-out clips, every clip with its texts, some clips a batch. */
export const heldOutBatches = (
  { rules, tokens }: Pick<Trainee, "rules" | "tokens">,
  heldOut: readonly HeldOutClip[],
): ScoredBatch[] => {
  const batches: ScoredBatch[] = [];
  for (let start = 0; start < heldOut.length; start += clipsABatch) {
    const rows = heldOut.slice(start, start + clipsABatch).map(({ clip }) => ({
      clip: clip.patches,
      texts: clip.texts.map(({ prompt, target }) => ({
        tokens: [...prompt, ...target],
        scoredFrom: prompt.length,
      })),
    }));
    const { batch, scored } = segmentsBatch(rows, rules, { tokens });
    batches.push({ batch, scored: scored.length });
  }
  return batches;
};
