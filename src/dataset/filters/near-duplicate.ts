import { z } from "zod";
import { defineFilter, type FilterPlugin } from "../filter.ts";
import { NearClips, type PrintedClip, printOfSample } from "../near-clips.ts";

const params = z.strictObject({
  look: z.number().min(0).max(1).default(0.1).describe("largest share of brightness steps that differ"),
  change: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("largest share of changes from frame to frame that only one of the clips has"),
});

/** A clip that was encoded again, or made smaller, is in the set once: the first one stays with its samples. */
const filter: FilterPlugin = defineFilter({
  summary: "no clip is a copy of an earlier one (by a perceptual print of its frames)",
  source:
    "ours; on clips of signs before one background, copies differ by less than 0.3 of their changes, other signs by more than 0.7",
  params,
  create: (nearness) => {
    const seen = new NearClips(nearness);
    const verdicts = new Map<string, PrintedClip | null>();
    return {
      check: (sample) => {
        const { sha256 } = sample.clip;
        const known = verdicts.get(sha256);
        const own = printOfSample(sample);
        if (own === undefined) return undefined;
        const found = known === undefined ? (seen.find(own) ?? null) : known;
        if (known === undefined) {
          verdicts.set(sha256, found);
          if (found === null) seen.add(own);
        }
        return found === null ? undefined : `the clip looks like a copy of ${found.name}`;
      },
    };
  },
});

export default filter;
