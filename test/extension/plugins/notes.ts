import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { defineSource, type SourceDefinition, type SourceRow, z } from "videoperceiver/plugins";

/** Lines such as `clip.mp4 | What flashes? | a square`; the mark between the parts is a parameter. */
const notes: SourceDefinition = defineSource({
  summary: "notes: clip, question and answer on a line",
  source: "ours",
  params: z.strictObject({ mark: z.string().min(1).default("|").describe("between the parts") }),
  create: ({ mark }) => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      const lines = readFileSync(place, "utf8").split("\n");
      for (const [at, line] of lines.entries()) {
        const [video, text, answer] = line.split(mark).map((part) => part.trim());
        if (video === undefined || text === undefined || answer === undefined) continue;
        const row: SourceRow = {
          id: `note-${at + 1}`,
          clip: { file: video },
          messages: [
            {
              role: "user",
              content: [
                { type: "video", video },
                { type: "text", text },
              ],
            },
          ],
          answer,
          answerKind: "open",
          provenance: { line: at + 1 },
        };
        yield row;
      }
    },
  }),
});

export default notes;
