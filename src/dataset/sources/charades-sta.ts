import { basename, dirname, resolve } from "node:path";
import { z } from "zod";
import { readTextFile } from "../../core/files.ts";
import { defineSource, type SourceDefinition, type SourceRow, type UnreadRow } from "../sources.ts";

const LINE = /^(\S+)\s+(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)\s*##\s*(\S.*)$/;

function* rowsOf(place: string): Generator<SourceRow | UnreadRow> {
  const file = basename(place);
  for (const [at, line] of readTextFile(place)
    .split(/\r\n|[\r\n]/)
    .entries()) {
    if (line.trim() === "") continue;
    const where = `${place}:${at + 1}`;
    const [, video, start, end, sentence] = LINE.exec(line.trim()) ?? [];
    const span = { startSeconds: Number(start), endSeconds: Number(end) };
    if (video === undefined)
      yield { unread: { where, reason: "not a line of Charades-STA; expected VIDEO START END##sentence" } };
    else if (span.endSeconds <= span.startSeconds)
      yield { unread: { where, reason: `the event ends before it starts; got ${start} to ${end}` } };
    else
      yield {
        id: `${file}:${at + 1}`,
        clip: { file: video },
        caption: sentence!,
        events: [{ ...span, what: sentence! }],
        provenance: { source: `${file}:${at + 1}`, caption: sentence! },
      };
  }
}

/** Sentences with the span in which each happens. */
const source: SourceDefinition = defineSource({
  summary: "Charades-STA: charades_sta_train.txt, charades_sta_test.txt",
  source: "Gao et al., TALL (arXiv 1705.02101)",
  params: z.strictObject({}),
  recognises: ({ isFolder, head }) => !isFolder && LINE.test(head.split(/\r?\n/, 1)[0]!.trim()),
  create: () => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOf(place);
    },
  }),
});

export default source;
