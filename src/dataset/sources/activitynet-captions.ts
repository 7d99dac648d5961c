import { dirname, resolve } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { explainZod } from "../../core/registry.ts";
import { type JsonRecord, looksLikeJson, rowsOfRecords } from "../json-records.ts";
import type { EventSpan } from "../sample.ts";
import { defineSource, type SourceDefinition, type SourceRow } from "../sources.ts";

const entry = z
  .object({
    duration: z.number().positive(),
    timestamps: z.array(z.tuple([z.number(), z.number()])),
    sentences: z.array(z.string()),
  })
  .refine((one) => one.timestamps.length === one.sentences.length, "as many sentences as time stamps");

const rowOf = ({ value, key, name }: JsonRecord): SourceRow => {
  const parsed = entry.safeParse(value);
  if (key === undefined || !parsed.success)
    throw new DataFormatError("not an entry of ActivityNet-Captions", {
      expected: "duration, timestamps, sentences",
      ...(parsed.error && { got: explainZod(parsed.error) }),
    });
  const { timestamps, sentences } = parsed.data;
  const events = timestamps.map(([one, other], at): EventSpan => {
    // Some time stamps of the release are the wrong way round.
    const [startSeconds, endSeconds] = [Math.max(0, Math.min(one, other)), Math.max(one, other)];
    if (endSeconds <= startSeconds)
      throw new DataFormatError("an event without length", { got: `${one} to ${other}` });
    return { startSeconds, endSeconds, what: sentences[at]!.trim() };
  });
  const caption = events.map(({ what }) => what).join(" ");
  return {
    id: key,
    clip: { file: key },
    ...(caption && { caption }),
    ...(events.length > 0 && { events }),
    provenance: { source: `${name} ${key}`, ...(caption && { caption }) },
  };
};

/** Videos with sentences and the span of each. */
const source: SourceDefinition = defineSource({
  summary: "ActivityNet-Captions: train.json, val_1.json; sentences with their spans",
  source: "Krishna et al., Dense-Captioning Events in Videos (arXiv 1705.00754)",
  params: z.strictObject({}),
  recognises: ({ isFolder, head }) =>
    !isFolder && looksLikeJson(head) && /"timestamps"\s*:/.test(head) && /"sentences"\s*:/.test(head),
  create: () => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOfRecords<SourceRow>(place, rowOf);
    },
  }),
});

export default source;
