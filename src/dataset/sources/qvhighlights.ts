import { dirname, resolve } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { explainZod } from "../../core/registry.ts";
import { type JsonRecord, looksLikeJson, rowsOfRecords } from "../json-records.ts";
import { defineSource, type SourceDefinition, type SourceRow } from "../sources.ts";

const entry = z.object({
  qid: z.union([z.int(), z.string()]),
  query: z.string().min(1),
  vid: z.string().min(1),
  duration: z.number().optional(),
  relevant_windows: z.array(z.tuple([z.number(), z.number()])).min(1),
});

const rowOf = ({ value, name }: JsonRecord): SourceRow => {
  const parsed = entry.safeParse(value);
  if (!parsed.success)
    throw new DataFormatError("not a line of QVHighlights", {
      expected: "qid, query, vid, relevant_windows (the test part has none)",
      got: explainZod(parsed.error),
    });
  const { qid, vid, relevant_windows } = parsed.data;
  const query = parsed.data.query.trim();
  return {
    id: `qvhighlights-${qid}`,
    clip: { file: vid },
    caption: query,
    events: relevant_windows.map(([startSeconds, endSeconds]) => {
      if (startSeconds < 0 || endSeconds <= startSeconds)
        throw new DataFormatError("not an event", { got: `${startSeconds} to ${endSeconds}` });
      return { startSeconds, endSeconds, what: query };
    }),
    provenance: { source: name, caption: query },
  };
};

/** Queries with the windows in which they hold. */
const source: SourceDefinition = defineSource({
  summary: "QVHighlights: highlight_train_release.jsonl, highlight_val_release.jsonl",
  source: "Lei et al., QVHighlights (arXiv 2107.09609)",
  params: z.strictObject({}),
  recognises: ({ isFolder, head }) =>
    !isFolder && looksLikeJson(head) && /"qid"\s*:/.test(head) && /"relevant_windows"\s*:/.test(head),
  create: () => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOfRecords<SourceRow>(place, rowOf);
    },
  }),
});

export default source;
