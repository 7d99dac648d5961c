import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../core/files.ts";
import { answersParam, filmFault, markedTurns, worseAnswer, writtenAnswer } from "../conversation.ts";
import { defineExportFormat, type ExportFormatPlugin } from "../export.ts";
import { pathsParam, SplitFiles, shownPath } from "../export-files.ts";
import { LineFile } from "../write.ts";

const params = z.strictObject({ answers: answersParam, paths: pathsParam("relative") });

const tags = {
  role_tag: "role",
  content_tag: "content",
  user_tag: "user",
  assistant_tag: "assistant",
  system_tag: "system",
};

/** LLaMA-Factory's sharegpt rows. */
const format: ExportFormatPlugin = defineExportFormat({
  summary: "LLaMA-Factory: sharegpt rows with `videos` for SFT, wrong options as rejected answers for DPO",
  source: "LLaMA-Factory 0.9.5, data/README.md",
  params,
  create: ({ answers, paths }) => ({
    // Chosen and rejected answers share one list of films there: a twin has no place.
    needs: "clip",
    carriesWorse: true,
    refuses: filmFault,
    open: (place) => {
      const rows = new SplitFiles((split) => new LineFile(join(place.folder, `${split}.jsonl`)));
      const ranked = new SplitFiles((split) => new LineFile(join(place.folder, `${split}-ranking.jsonl`)));
      return {
        add: async ({ sample, split, clip }) => {
          const turns = markedTurns(sample, answers);
          const answer = { role: "assistant", content: writtenAnswer(sample, answers) };
          const videos = [shownPath(place, clip, paths)];
          rows.of(split).add(JSON.stringify({ messages: [...turns, answer], videos }));
          const wrong = worseAnswer(sample, answers);
          if (wrong !== undefined) {
            const rejected = { role: "assistant", content: wrong };
            ranked.of(split).add(JSON.stringify({ messages: turns, chosen: answer, rejected, videos }));
          }
          return { rows: 1 };
        },
        finish: async () => {
          const info: Record<string, unknown> = {};
          const columns = { messages: "messages", videos: "videos" };
          for (const { split } of rows.counts())
            info[`${place.name}_${split}`] = {
              file_name: `${split}.jsonl`,
              formatting: "sharegpt",
              columns,
              tags,
            };
          for (const { split } of ranked.counts())
            info[`${place.name}_${split}_ranking`] = {
              file_name: `${split}-ranking.jsonl`,
              formatting: "sharegpt",
              ranking: true,
              columns: { ...columns, chosen: "chosen", rejected: "rejected" },
              tags,
            };
          rows.close();
          ranked.close();
          writeFileAtomic(
            join(place.folder, "dataset_info.json"),
            `${JSON.stringify(Object.fromEntries(Object.entries(info).sort()), null, 2)}\n`,
          );
        },
        discard: () => {
          rows.discard();
          ranked.discard();
        },
      };
    },
    readme: (
      { finalFolder, name },
      splits,
    ) => `\`dataset_info.json\` declares one data set for each part, and \`..._ranking\` for DPO (chosen: the answer, rejected: a wrong
option, on the same film). In the training configuration:

    dataset_dir: ${finalFolder}
    media_dir: ${finalFolder}
    dataset: ${name}_${splits[0]}

LLaMA-Factory gives chosen and rejected answers the same films, so the absent twins have no place in it; ms-swift has one.
`,
  }),
});

export default format;
