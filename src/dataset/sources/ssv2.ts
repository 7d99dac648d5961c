import { dirname, resolve } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { explainZod } from "../../core/registry.ts";
import { type JsonRecord, looksLikeJson, rowsOfRecords } from "../json-records.ts";
import { defineSource, type SourceDefinition, type SourceRow } from "../sources.ts";

const entry = z.object({
  id: z.union([z.string().min(1), z.int()]),
  label: z.string().optional(),
  template: z.string().min(1),
  placeholders: z.array(z.string()).default([]),
});

/** The template with its blanks `[something]` filled in, in order. */
export const filledTemplate = (template: string, placeholders: readonly string[]): string => {
  let next = 0;
  const filled = template.replace(/\[[^\]]*\]/g, (blank) => {
    const word = placeholders[next++];
    return word ?? blank.slice(1, -1);
  });
  if (next !== placeholders.length)
    throw new DataFormatError("blanks and fillings do not fit", {
      expected: `${next} placeholders for "${template}"`,
      got: String(placeholders.length),
    });
  return filled;
};

const rowOf = ({ value, name }: JsonRecord): SourceRow => {
  const parsed = entry.safeParse(value);
  if (!parsed.success)
    throw new DataFormatError("not an entry of Something-Something", {
      expected: "id, template, placeholders (the test part has none)",
      got: explainZod(parsed.error),
    });
  const { id, template, placeholders } = parsed.data;
  const caption = filledTemplate(template, placeholders);
  return {
    id: `ssv2-${id}`,
    clip: { file: String(id) },
    caption,
    provenance: { source: name, caption, template: template.replace(/\[([^\]]*)\]/g, "$1") },
  };
};

/** Clips described by a template whose blanks are filled in. */
const source: SourceDefinition = defineSource({
  summary: "Something-Something V2: something-something-v2-train.json, -validation.json",
  source: "Goyal et al., The something something video database (arXiv 1706.04261)",
  params: z.strictObject({}),
  recognises: ({ isFolder, head }) =>
    !isFolder && looksLikeJson(head) && /"template"\s*:/.test(head) && /"placeholders"\s*:/.test(head),
  create: () => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOfRecords<SourceRow>(place, rowOf);
    },
  }),
});

export default source;
