import { join } from "node:path";
import { z } from "zod";
import { defineExportFormat, type ExportFormatPlugin } from "../export.ts";
import { pathsParam, SplitFiles, shownPath } from "../export-files.ts";
import { rowOfSample } from "../schema.ts";
import { LineFile } from "../write.ts";

const params = z.strictObject({ paths: pathsParam("absolute") });

/** Everything that a sample says, one JSON object a line. */
const format: ExportFormatPlugin = defineExportFormat({
  summary: "plain JSON lines: whole samples in the Qwen message format, clips and twins as MP4 files",
  source: "ours; messages as Qwen's video utilities read them",
  params,
  create: ({ paths }) => ({
    needs: "twin",
    refuses: () => undefined,
    open: (place) => {
      const files = new SplitFiles((split) => new LineFile(join(place.folder, `${split}.jsonl`)));
      return {
        add: async ({ sample, split, clip, absent }) => {
          const file = shownPath(place, clip, paths);
          const messages = sample.messages.map((message) => ({
            ...message,
            content: message.content.map((part) =>
              part.type === "video" && part.video === sample.clip.file ? { ...part, video: file } : part,
            ),
          }));
          const { sha256: _, ...twin } = sample.absent ?? {};
          const row = JSON.parse(rowOfSample({ ...sample, messages })) as Record<string, unknown>;
          const { sha256, ...stored } = row["clip"] as { sha256: string };
          files.of(split).add(
            JSON.stringify({
              ...row,
              clip: { ...stored, file, sourceSha256: sha256 },
              ...(sample.absent && {
                absent: { ...twin, ...(absent !== undefined && { file: shownPath(place, absent, paths) }) },
              }),
            }),
          );
          return { rows: 1 };
        },
        finish: async () => files.close(),
        discard: () => files.discard(),
      };
    },
    readme: (_, splits) =>
      `One sample a line in ${splits.map((split) => `\`${split}.jsonl\``).join(", ")}. \`clip.timeline\` has the true
time of every frame, \`absent.replacements\` says which frames of the twin show another one; \`frames\`, where it
stands, are the frames (by index) that the sample is about, at uneven times.`,
  }),
});

export default format;
