import { z } from "zod";
import { defineFilter, type FilterPlugin } from "../filter.ts";
import { NearClips, printOfSample } from "../near-clips.ts";

const params = z.strictObject({
  hashes: z.array(z.string()).default([]).describe("SHA-256 of clips that must not be in"),
  names: z.array(z.string()).default([]).describe("names of such clips, without folder and ending"),
  prints: z
    .array(z.object({ name: z.string(), print: z.string(), durationSeconds: z.number() }))
    .default([])
    .describe("perceptual prints of such clips"),
  look: z.number().min(0).max(1).default(0.1).describe("as of near-duplicate"),
  change: z.number().min(0).max(1).default(0.5).describe("as of near-duplicate"),
});

/** A clip's name as benchmarks and training sets have it in common: without folder, ending and case. */
export const bareName = (file: string): string =>
  (file.split(/[/\\]/).at(-1) ?? file).replace(/\.[A-Za-z0-9]{2,4}$/, "").toLowerCase();

/** Clips of a benchmark do not get into a training set: by content, by look, or by the name of their source. */
const filter: FilterPlugin = defineFilter({
  summary: "no clip of a list that must stay apart, such as a benchmark's (build --not-in FILE)",
  source: "ours",
  params,
  create: ({ hashes, names, prints, look, change }) => {
    const byHash = new Set(hashes);
    const byName = new Set(names.map(bareName));
    const byLook = new NearClips({ look, change });
    for (const one of prints) byLook.add(one);
    const verdicts = new Map<string, string | undefined>();
    return {
      check: (sample) => {
        const { sha256, file } = sample.clip;
        if (byHash.has(sha256)) return "the clip is in the list that must stay apart (same content)";
        const named = [sample.provenance["clip"], file].find(
          (name) => typeof name === "string" && byName.has(bareName(name)),
        );
        if (named !== undefined)
          return `the clip is in the list that must stay apart (named ${bareName(String(named))})`;
        if (!verdicts.has(sha256)) {
          const own = printOfSample(sample);
          verdicts.set(sha256, own === undefined ? undefined : byLook.find(own)?.name);
        }
        const like = verdicts.get(sha256);
        return like === undefined
          ? undefined
          : `the clip looks like ${like} of the list that must stay apart`;
      },
    };
  },
});

export default filter;
