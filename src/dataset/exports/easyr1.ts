import { join } from "node:path";
import { z } from "zod";
import { answersParam, filmFault, markedTurns, videoPartOf, writtenAnswer } from "../conversation.ts";
import { defineExportFormat, type ExportFormatPlugin } from "../export.ts";
import { pathsParam, SplitFiles, shownPath, sideFacts } from "../export-files.ts";
import { type ParquetColumn, ParquetFile } from "../parquet-file.ts";
import type { Sample } from "../sample.ts";

const params = z.strictObject({
  columns: z
    .enum(["easyr1", "verl"])
    .default("easyr1")
    .describe("EasyR1's columns (problem, answer, videos) or verl's (prompt, videos, reward_model, ...)"),
  answers: answersParam,
  paths: pathsParam("absolute"),
});

const text = { type: "text" } as const;
const texts = { type: "text", list: true } as const;

const facts: Readonly<Record<string, ParquetColumn>> = {
  sample_id: text,
  reference: text,
  answer_kind: text,
  options: texts,
  skill: text,
};

const easyr1Columns = { problem: text, answer: text, videos: texts, absent_videos: texts, ...facts };

const lookTypes = {
  fps: { type: "number" },
  nframes: { type: "integer" },
  min_pixels: { type: "integer" },
  max_pixels: { type: "integer" },
  total_pixels: { type: "integer" },
} as const;

/** How a question wants its clip to be looked at, as far as verl can be told. */
const lookOf = (sample: Sample): Readonly<Record<string, number | bigint>> => {
  const part = videoPartOf(sample) ?? {};
  return Object.fromEntries(
    Object.entries(lookTypes).flatMap(([name, { type }]) => {
      const value = (part as Partial<Record<string, number>>)[name];
      return value === undefined ? [] : [[name, type === "integer" ? BigInt(value) : value]];
    }),
  );
};

/**
 * verl's columns. A field of a group is in every row, empty or not, and Qwen's video utilities take an empty `fps` for one
 * that was said: only those that the rows say may be there.
 */
const verlColumns = (look: readonly string[]): Readonly<Record<string, ParquetColumn>> => ({
  data_source: text,
  prompt: { type: "group", list: true, fields: { role: text, content: text } },
  videos: {
    type: "group",
    list: true,
    fields: {
      type: text,
      video: text,
      ...Object.fromEntries(look.map((name) => [name, lookTypes[name as keyof typeof lookTypes]])),
    },
  },
  ability: text,
  reward_model: { type: "group", fields: { style: text, ground_truth: text } },
  extra_info: {
    type: "group",
    fields: { index: { type: "integer" }, split: text, ...facts, absent_videos: texts },
  },
});

/** Rows for EasyR1 and for verl. */
const format: ExportFormatPlugin = defineExportFormat({
  summary: "EasyR1, or verl with columns=verl: Parquet rows for GRPO, twins beside the clips",
  source: "EasyR1 verl/utils/dataset.py; verl docs/preparation/prepare_data.rst",
  params,
  create: ({ columns, answers, paths }) => ({
    needs: "twin",
    refuses: (sample) =>
      filmFault(sample) ??
      (columns === "easyr1" && sample.messages.length > 1
        ? "EasyR1 takes one question, and there are earlier turns"
        : undefined),
    open: (place) => {
      let said: readonly string[] = [];
      const files = new SplitFiles((split) => {
        const shape = columns === "verl" ? verlColumns(said) : easyr1Columns;
        return new ParquetFile(join(place.folder, `${split}.parquet`), shape);
      });
      const looks = new Map<string, string>();
      return {
        add: async ({ sample, split, clip, absent }) => {
          const look = lookOf(sample);
          const names = Object.keys(look);
          const before = looks.get(split) ?? names.join();
          if (columns === "verl" && before !== names.join())
            return {
              rows: 0,
              leftOut: `its clip is looked at by "${names.join()}", the rows before it by "${before}"; a Parquet file has one form`,
            };
          looks.set(split, before);
          said = names;
          const file = files.of(split);
          const turns = markedTurns(sample, answers);
          const answer = writtenAnswer(sample, answers);
          const video = shownPath(place, clip, paths);
          const twins = absent === undefined ? [] : [shownPath(place, absent, paths)];
          const side = sideFacts(sample);
          if (columns === "easyr1")
            file.add({
              problem: turns.at(-1)!.content,
              answer,
              videos: [video],
              absent_videos: twins,
              ...side,
            });
          else
            file.add({
              data_source: place.name,
              prompt: turns,
              videos: [{ type: "video", video, ...look }],
              ability: sample.skill ?? "video",
              reward_model: { style: "rule", ground_truth: answer },
              extra_info: { index: BigInt(file.rows), split, ...side, absent_videos: twins },
            });
          return { rows: 1 };
        },
        finish: async () => files.close(),
        discard: () => files.discard(),
      };
    },
    readme: ({ finalFolder }, splits) => {
      const file = join(finalFolder, `${splits[0]}.parquet`);
      const base = paths === "relative" ? ` data.image_dir=${finalFolder}` : "";
      return columns === "verl"
        ? `    data.train_files=${file} data.prompt_key=prompt data.video_key=videos data.return_multi_modal_inputs=True

\`reward_model.ground_truth\` is the answer; \`extra_info\` reaches the reward function, \`absent_videos\` in it names the twin.`
        : `    data.train_files=${file} data.prompt_key=problem data.answer_key=answer data.video_key=videos${base}

Every other column stays beside the row; \`absent_videos\` names the twin.`;
    },
  }),
});

export default format;
