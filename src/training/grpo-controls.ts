/**
 * Controls of Comparative GRPO: runs that are the real thing in everything but what makes it a comparison of evidence.
 * What improves as much under one of them was not learnt by looking at the decisive frames.
 */
import type { Random } from "../core/random.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";
import { absentPatches, type TrainingClip } from "./clip.ts";

/**
 * `none`: the real thing. `twin-is-clip`: the twin shows the clip itself. `random-freeze`: other steps than the decisive
 * ones are frozen in the twin, as many. `instruction-only`: both sides show the clip, one of them with the refeed's
 * instruction; nothing is refed. `shuffled-rewards`: rewards and comparisons are dealt out to the step's completions at
 * random.
 */
export const controlNames = [
  "none",
  "twin-is-clip",
  "random-freeze",
  "instruction-only",
  "shuffled-rewards",
] as const;

/** Name of a control. */
export type ControlName = (typeof controlNames)[number];

/**
 * The clip with as many steps frozen as its absent twin changes, none of them decisive: each shows the step before it.
 * Fewer where a clip has not so many others; the first step has none before it and stays.
 */
export const frozenPatches = (clip: TrainingClip, random: Random): ClipPatches => {
  const { steps } = clip.patches;
  const others = [...steps.keys()].filter((step) => step > 0 && !clip.absentSteps.has(step));
  const frozen = new Set(random.shuffled(others).slice(0, clip.absentSteps.size));
  const shown: Uint8Array[] = [];
  steps.forEach((step, i) => {
    shown.push(frozen.has(i) ? shown[i - 1]! : step);
  });
  return { ...clip.patches, steps: shown };
};

/** What stands in the twin's place under a control. @param random of the clip */
export const twinPatches = (control: ControlName, clip: TrainingClip, random: Random): ClipPatches => {
  if (control === "twin-is-clip" || control === "instruction-only") return clip.patches;
  return control === "random-freeze" ? frozenPatches(clip, random) : absentPatches(clip);
};

/** Deals the items of all groups out again at random; groups keep their sizes. */
export const dealtAgain = <T>(groups: readonly (readonly T[])[], random: Random): T[][] => {
  const all = random.shuffled(groups.flat());
  let at = 0;
  return groups.map((group) => {
    at += group.length;
    return all.slice(at - group.length, at);
  });
};
