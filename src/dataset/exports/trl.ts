import { join } from "node:path";
import { z } from "zod";
import { answersParam, conversationFault, markedTurns, worseAnswer, writtenAnswer } from "../conversation.ts";
import { defineExportFormat, type ExportFormatPlugin } from "../export.ts";
import { SplitFiles, sideFacts } from "../export-files.ts";
import { type ExportPictures, exportPictures } from "../export-pictures.ts";
import { type HubColumn, hubFeatures, storedColumns } from "../hub-features.ts";
import { ParquetFile } from "../parquet-file.ts";
import type { Sample } from "../sample.ts";

const params = z.strictObject({
  frames: z.int().min(1).max(256).default(8).describe("pictures of a clip, where the sample chose none"),
  maxPixels: z
    .int()
    .min(784)
    .default(360 * 420)
    .describe("pixels of a picture at most"),
  answers: answersParam,
});

const turns: HubColumn = {
  kind: "group",
  list: true,
  fields: {
    role: { kind: "text" },
    content: { kind: "group", list: true, fields: { type: { kind: "text" }, text: { kind: "text" } } },
  },
};
const said: HubColumn = {
  kind: "group",
  list: true,
  fields: { role: { kind: "text" }, content: { kind: "text" } },
};
const pictures: HubColumn = { kind: "image", list: true };
const text: HubColumn = { kind: "text" };

const grpoColumns: Readonly<Record<string, HubColumn>> = {
  prompt: turns,
  images: pictures,
  solution: text,
  absent_images: pictures,
  sample_id: text,
  reference: text,
  answer_kind: text,
  options: { kind: "text", list: true },
  skill: text,
};
const dpoColumns: Readonly<Record<string, HubColumn>> = {
  prompt: turns,
  chosen: said,
  rejected: said,
  images: pictures,
};

interface Block {
  readonly type: "image" | "text";
  readonly text: string | null;
}

/** A turn in blocks; the clip becomes its pictures, each behind its time, since pictures alone carry none. */
const blocksOf = (content: string, { timesSeconds }: ExportPictures): Block[] =>
  content.split("<video>").flatMap((piece, at): Block[] => [
    ...(at === 0
      ? []
      : timesSeconds.flatMap((time): Block[] => [
          { type: "text", text: `${time.toFixed(2)} s: ` },
          { type: "image", text: null },
        ])),
    ...(piece === "" ? [] : [{ type: "text" as const, text: piece }]),
  ]);

const stored = (files: readonly Uint8Array[]): { bytes: Uint8Array; path: null }[] =>
  files.map((bytes) => ({ bytes, path: null }));

/** TRL's rows: it takes pictures, no films. */
const format: ExportFormatPlugin = defineExportFormat({
  summary: "TRL: Parquet rows for GRPO and DPO; clips as timed pictures, since TRL has no column for films",
  source: "TRL 1.16, docs/source/dataset_formats.md",
  params,
  create: ({ frames, maxPixels, answers }) => ({
    needs: "pictures",
    carriesWorse: true,
    refuses: conversationFault,
    open: (place) => {
      const open = (columns: typeof grpoColumns, ending: string) => (split: string) =>
        new ParquetFile(
          join(place.folder, `${split}-${ending}.parquet`),
          storedColumns(columns),
          hubFeatures(columns),
        );
      const grpo = new SplitFiles(open(grpoColumns, "grpo"));
      const dpo = new SplitFiles(open(dpoColumns, "dpo"));
      const { video, signal } = place;
      const look = { count: frames, maxPixels };
      const looked = (sample: Sample, clip: string): Promise<ExportPictures> =>
        exportPictures(video, clip, sample, look, signal);
      return {
        add: async ({ sample, split, clip }) => {
          const made = await looked(sample, clip);
          const prompt = markedTurns(sample, answers).map(({ role, content }) => ({
            role,
            content: blocksOf(content, made),
          }));
          const images = stored(made.complete);
          const bytes = made.complete.reduce((sum, one) => sum + one.length, 0);
          const answer = writtenAnswer(sample, answers);
          const twin = made.absent === undefined ? {} : { absent_images: stored(made.absent) };
          grpo.of(split).add({ prompt, images, solution: answer, ...twin, ...sideFacts(sample) }, 2 * bytes);
          const wrong = worseAnswer(sample, answers);
          const saying = (content: string): unknown => [{ role: "assistant", content }];
          if (wrong !== undefined)
            dpo.of(split).add({ prompt, chosen: saying(answer), rejected: saying(wrong), images }, bytes);
          return { rows: 1 };
        },
        finish: async () => {
          grpo.close();
          dpo.close();
        },
        discard: () => {
          grpo.discard();
          dpo.discard();
        },
      };
    },
    readme: (
      { finalFolder },
      splits,
    ) => `TRL takes pictures, not films: every clip is a list of pictures, and the prompt says the time of each.

    from datasets import load_dataset
    data = load_dataset("parquet", data_files="${join(finalFolder, `${splits[0]}-grpo.parquet`)}", split="train")
    GRPOTrainer(model, reward_funcs, train_dataset=data)   # solution, absent_images and the others reach reward_funcs

\`SPLIT-dpo.parquet\` has the questions with options or a worse answer: chosen is the answer, rejected the worse answer that a sample
names, else a wrong option, on the same pictures
(DPOTrainer shares the pictures between the two, so the twin cannot be the rejected side; ms-swift's rows can).`,
  }),
});

export default format;
