import type { Timeline } from "../video/types.ts";
import type { PositionReplacement } from "./builders.ts";
import type { Replacement } from "./pair.ts";

/**
 * Replacements between sampled frames as replacements of the clip's frames: a sampled frame stands for every frame
 * from itself up to the next sampled one (the first one from the clip's beginning, the last one up to its end), and all
 * of them show the source. So the twin keeps the key content away whatever the rate at which somebody samples it later.
 *
 * `full` is the clip's timeline, `sampled` a subset of it; the result is ascending.
 */
export const spreadReplacements = (
  full: Timeline,
  sampled: Timeline,
  replacements: readonly PositionReplacement[],
): Replacement[] =>
  replacements.flatMap(({ position, from }) => {
    const first = position === 0 ? full[0]!.index : sampled[position]!.index;
    const end = sampled[position + 1]?.index ?? full[full.length - 1]!.index + 1;
    const spread: Replacement[] = [];
    for (let index: number = first; index < end; index++)
      spread.push({ index, from: position === from ? index : sampled[from]!.index });
    return spread;
  });
