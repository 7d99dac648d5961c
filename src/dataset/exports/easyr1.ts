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

/** A film as verl hands it to Qwen's video utilities. */
const film: ParquetColumn = {
  type: "group",
  list: true,
  fields: {
    type: text,
    video: text,
    fps: { type: "number" },
    nframes: { type: "integer" },
    min_pixels: { type: "integer" },
    max_pixels: { type: "integer" },
    total_pixels: { type: "integer" },
  },
};

const verlColumns: Readonly<Record<string, ParquetColumn>> = {
  data_source: text,
  prompt: { type: "group", list: true, fields: { role: text, content: text } },
  videos: film,
  ability: text,
  reward_model: { type: "group", fields: { style: text, ground_truth: text } },
  extra_info: {
    type: "group",
    fields: { index: { type: "integer" }, split: text, ...facts, absent_videos: texts },
  },
};

const filmOf = (sample: Sample, video: string): Record<string, unknown> => {
  const { fps, ...sizes } = videoPartOf(sample) ?? {};
  const whole = Object.fromEntries(
    (["nframes", "min_pixels", "max_pixels", "total_pixels"] as const).flatMap((name) => {
      const value = (sizes as Partial<Record<typeof name, number>>)[name];
      return value === undefined ? [] : [[name, BigInt(value)]];
    }),
  );
  return { type: "video", video, ...(fps !== undefined && { fps }), ...whole };
};

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
      const shape = columns === "verl" ? verlColumns : easyr1Columns;
      const files = new SplitFiles((split) => new ParquetFile(join(place.folder, `${split}.parquet`), shape));
      return {
        add: async ({ sample, split, clip, absent }) => {
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
              videos: [filmOf(sample, video)],
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
