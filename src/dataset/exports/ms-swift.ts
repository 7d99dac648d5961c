import { join } from "node:path";
import { z } from "zod";
import {
  answersParam,
  filmFault,
  markedTurns,
  namedWorse,
  videoPartOf,
  writtenAnswer,
} from "../conversation.ts";
import { defineExportFormat, type ExportFormatPlugin } from "../export.ts";
import { pathsParam, SplitFiles, shownPath, sideFacts } from "../export-files.ts";
import type { Sample } from "../sample.ts";
import { LineFile } from "../write.ts";

const params = z.strictObject({ answers: answersParam, paths: pathsParam("absolute") });

/** How a row wants its clip to be looked at, under the names that ms-swift hands to its template. */
const lookOf = (sample: Sample): Record<string, number> => {
  const { fps, min_pixels, max_pixels } = videoPartOf(sample) ?? {};
  return Object.fromEntries(
    Object.entries({ fps, min_pixels, max_pixels }).filter(([, value]) => value !== undefined),
  ) as Record<string, number>;
};

/** ms-swift's own rows. */
const format: ExportFormatPlugin = defineExportFormat({
  summary: "ms-swift: rows for SFT and GRPO, and pairs with `rejected_videos` for DPO",
  source: "ms-swift 4.6, docs/source_en/Customization/Custom-dataset.md; rejected_videos from its code",
  params,
  create: ({ answers, paths }) => ({
    needs: "twin",
    carriesWorse: true,
    refuses: filmFault,
    open: (place) => {
      const rows = new SplitFiles((split) => new LineFile(join(place.folder, `${split}.jsonl`)));
      const pairs = new SplitFiles((split) => new LineFile(join(place.folder, `${split}-pairs.jsonl`)));
      return {
        add: async ({ sample, split, clip, absent }) => {
          const answer = writtenAnswer(sample, answers);
          const look = lookOf(sample);
          const row = {
            messages: [...markedTurns(sample, answers), { role: "assistant", content: answer }],
            videos: [shownPath(place, clip, paths)],
            solution: answer,
            ...sideFacts(sample),
            ...(Object.keys(look).length > 0 && { chat_template_kwargs: look }),
          };
          const twin = absent === undefined ? undefined : shownPath(place, absent, paths);
          rows.of(split).add(JSON.stringify({ ...row, ...(twin && { absent_videos: [twin] }) }));
          const worse = namedWorse(sample, answers);
          if (worse !== undefined) pairs.of(split).add(JSON.stringify({ ...row, rejected_response: worse }));
          // Where the answer can be seen on the twin as well, the twin is no worse side.
          const decisive = sample.provenance["aboutEvent"] !== false;
          if (twin !== undefined && decisive)
            pairs.of(split).add(JSON.stringify({ ...row, rejected_videos: [twin] }));
          return { rows: 1 };
        },
        finish: async () => {
          rows.close();
          pairs.close();
        },
        discard: () => {
          rows.discard();
          pairs.discard();
        },
      };
    },
    readme: (
      { finalFolder },
      splits,
    ) => `\`SPLIT.jsonl\` (${splits.join(", ")}) has every sample, for SFT and for GRPO (\`solution\`, and every other column, reach
the reward functions; \`absent_videos\` names the twin). \`SPLIT-pairs.jsonl\` has the same text on both films for DPO:
\`videos\` is the complete clip, \`rejected_videos\` its twin. Questions that are known to be about something else than the
moment (\`aboutEvent\` is false) have no such pair. Samples that name a worse answer themselves have a pair with
\`rejected_response\` on the clip.

    swift sft --model MODEL --dataset ${join(finalFolder, `${splits[0]}.jsonl`)}
    swift rlhf --rlhf_type dpo --model MODEL --dataset ${join(finalFolder, `${splits[0]}-pairs.jsonl`)}
    swift rlhf --rlhf_type grpo --model MODEL --dataset ${join(finalFolder, `${splits[0]}.jsonl`)} --reward_funcs accuracy
${paths === "relative" ? "\nPaths are relative: set ROOT_IMAGE_DIR to this folder.\n" : ""}`,
  }),
});

export default format;
