import { dirname, resolve } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";
import { looksLikeJson } from "../json-records.ts";
import type { EventSpan } from "../sample.ts";
import { defineSource, type SourceDefinition, type SourceRow, type UnreadRow } from "../sources.ts";

const file = z.object({
  meta_info: z.object({ appearance_mapping: z.array(z.string()), action_mapping: z.array(z.string()) }),
  clips: z.record(z.string(), z.unknown()),
});

const emotionSpan = z.object({ emotion: z.string(), start_sec: z.number(), end_sec: z.number() });

const entry = z.object({
  ytb_id: z.string(),
  duration: z.object({ start_sec: z.number(), end_sec: z.number() }),
  attributes: z.object({
    appearance: z.array(z.number()),
    action: z.array(z.number()),
    emotion: z.object({
      sep_flag: z.boolean(),
      labels: z.union([z.string(), z.array(emotionSpan)]),
    }),
  }),
});

const named = (flags: readonly number[], names: readonly string[], where: string): string[] => {
  if (flags.length !== names.length)
    throw new DataFormatError("labels and their names do not fit", {
      where,
      expected: String(names.length),
      got: String(flags.length),
    });
  return names.filter((_, at) => flags[at] === 1).map((name) => name.replaceAll("_", " "));
};

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

const rowOf = (
  key: string,
  value: unknown,
  meta: z.output<typeof file>["meta_info"],
  at: string,
): SourceRow => {
  const parsed = entry.safeParse(value);
  if (!parsed.success)
    throw new DataFormatError("not a clip of CelebV-HQ", {
      expected: "ytb_id, duration, attributes",
      got: explainZod(parsed.error),
    });
  const { ytb_id, duration, attributes } = parsed.data;
  const actions = named(attributes.action, meta.action_mapping, "action");
  const { labels } = attributes.emotion;
  const spans = typeof labels === "string" ? [] : labels;
  // Time stamps of emotions are those of the video that the clip was cut from.
  const events = spans.map(({ emotion, start_sec, end_sec }): EventSpan => {
    const [startSeconds, endSeconds] = [start_sec, end_sec].map((time) =>
      time >= duration.start_sec ? time - duration.start_sec : time,
    );
    if (endSeconds! <= startSeconds!)
      throw new DataFormatError("an emotion ends before it starts", { got: `${start_sec} to ${end_sec}` });
    return { startSeconds: startSeconds!, endSeconds: endSeconds!, what: `the face looks ${emotion}` };
  });
  const emotions = typeof labels === "string" ? [labels] : spans.map(({ emotion }) => emotion);
  const does = actions.length === 0 ? "" : `The person does: ${listed(actions)}. `;
  const caption = `${does}The face looks ${emotions.join(", then ")}.`;
  return {
    id: key,
    clip: { file: key },
    caption,
    ...(actions.length > 0 && { keywords: actions }),
    ...(events.length > 0 && { events }),
    provenance: {
      source: at,
      caption,
      video: ytb_id,
      appearance: named(attributes.appearance, meta.appearance_mapping, "appearance"),
    },
  };
};

function* rowsOf(place: string): Generator<SourceRow | UnreadRow> {
  const parsed = file.safeParse(readJsonFile(place));
  if (!parsed.success)
    throw new DataFormatError("not the annotations of CelebV-HQ", {
      where: place,
      expected: "meta_info and clips",
      got: explainZod(parsed.error),
    });
  for (const [key, value] of Object.entries(parsed.data.clips))
    try {
      yield rowOf(key, value, parsed.data.meta_info, `${place.split("/").at(-1)} ${key}`);
    } catch (error) {
      if (!(error instanceof DataFormatError)) throw error;
      yield { unread: { where: `${place}, ${key}`, reason: error.message } };
    }
}

/** Faces with actions and, where they change, emotions with their spans. */
const source: SourceDefinition = defineSource({
  summary: "CelebV-HQ: celebvhq_info.json; actions, and emotions with their spans",
  source: "Zhu et al., CelebV-HQ (arXiv 2207.12393)",
  params: z.strictObject({}),
  recognises: ({ isFolder, head }) =>
    !isFolder && looksLikeJson(head) && /"meta_info"\s*:/.test(head) && /"action_mapping"\s*:/.test(head),
  create: () => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOf(place);
    },
  }),
});

export default source;
