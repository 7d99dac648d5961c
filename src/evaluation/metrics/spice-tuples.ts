import { z } from "zod";
import { installedWordNet } from "../../absent/language/wordnet.ts";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import { defineMetric, type MetricPlugin, meanOver, ofKinds, perRecord } from "../metrics.ts";
import { type SameMeaning, spiceOfTuples } from "../overlap/spice.ts";
import { synonymsOf } from "../overlap/synonyms.ts";

const tuples = z.array(z.array(z.string().min(1)).min(1).max(3));
const file = z.record(z.string(), z.object({ candidate: tuples, reference: tuples }));

const readTuples = (path: string): z.output<typeof file> => {
  const parsed = file.safeParse(readJsonFile(path));
  if (parsed.success) return parsed.data;
  throw new DataFormatError("not a file of tuples", {
    where: path,
    expected: '{"<question id>": {"candidate": [["car"], ["car", "white"]], "reference": [...]}}',
    got: parsed.error.issues[0]?.message ?? "something else",
  });
};

const sameSense = (): SameMeaning => {
  const wordNet = installedWordNet();
  return (a, b) => synonymsOf(wordNet, a).has(b) || synonymsOf(wordNet, b).has(a);
};

/** A question without tuples in the file counts as 0: nothing of it was matched. */
const plugin: MetricPlugin = defineMetric({
  summary: "SPICE's F of scene-graph tuples that another program parsed",
  source: "peteanderson80/SPICE@3e5de7a, its scoring alone; words mean the same by WordNet 3.0",
  kinds: ["open"],
  argument: "tuples",
  params: z.strictObject({
    tuples: z.string().min(1).describe("JSON file of tuples by question"),
    synonyms: z.boolean().default(true).describe("false: only equal words match"),
  }),
  create: ({ tuples: path, synonyms }) => {
    const given = readTuples(path);
    const same = synonyms ? sameSense() : () => false;
    const score = perRecord(({ questionId, error }) => {
      const own = error === null && Object.hasOwn(given, questionId) ? given[questionId] : undefined;
      return own === undefined ? 0 : spiceOfTuples(own.candidate, own.reference, same).f;
    });
    return ofKinds(["open"], (records) => meanOver(records, score));
  },
});
export default plugin;
