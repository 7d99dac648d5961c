import { frameIndex, seconds } from "../../core/units.ts";
import { planClip } from "../../world/clip.ts";
import type { WorldProfile } from "../../world/profile.ts";
import { renderClip } from "../../world/render.ts";
import { clipInMemory, type FragmentClipInMemory } from "../fragments/memory-fragments.ts";

/** Frames of a clip that are kept, evenly in time. */
const framesOfClip = 16;

/** Where the held-out clips begin: no clip for training has such a number. */
export const firstHeldOut = 1_000_000;

/**
 * Clips `first` to `first + count` of a world, in memory, of which nothing but their frames is known. Clips that show nothing
 * are left out.
 */
export const unlabelledClips = (
  profile: WorldProfile,
  seed: number,
  first: number,
  count: number,
): FragmentClipInMemory[] =>
  Array.from({ length: count }, (_, i) => {
    const plan = planClip(seed, first + i, profile);
    const last = plan.frameCount - 1;
    const indices = Array.from({ length: framesOfClip }, (__, at) =>
      Math.round((at * last) / (framesOfClip - 1)),
    );
    return clipInMemory(String(first + i), {
      pixels: renderClip(plan, indices),
      frames: indices.map((index) => ({
        index: frameIndex(index),
        timeSeconds: seconds(index / plan.framesPerSecond),
      })),
      width: plan.width,
      height: plan.height,
    });
  }).flatMap((clip) => clip ?? []);
