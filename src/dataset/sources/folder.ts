import { existsSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { filesBelow, isClipName } from "../clip-files.ts";
import { defineSource, type SourceDefinition, type SourceRow, type UnreadRow } from "../sources.ts";
import { readSubtitles } from "../subtitles.ts";

const params = z.strictObject({
  sidecars: z.boolean().default(true).describe("read captions from .txt, events from .srt and .vtt files"),
});

/** What stands beside a clip: `clip.txt` says what happens, `clip.srt` or `clip.vtt` says when as well. */
const described = (folder: string, clip: string): Partial<SourceRow> => {
  const stem = clip.slice(0, clip.length - extname(clip).length);
  const beside = (ending: string): string | undefined =>
    [`${stem}.${ending}`, `${clip}.${ending}`].find((name) => existsSync(join(folder, name)));
  const text = beside("txt");
  const cues = beside("srt") ?? beside("vtt");
  const events =
    cues === undefined ? [] : readSubtitles(readTextFile(join(folder, cues)), join(folder, cues));
  const written = text === undefined ? "" : readTextFile(join(folder, text)).replace(/\s+/g, " ").trim();
  const caption = written || [...new Set(events.map(({ what }) => what))].join(" ");
  return {
    ...(caption && { caption }),
    ...(events.length > 0 && { events }),
    provenance: {
      source: clip,
      ...(text !== undefined && { captionFile: text }),
      ...(cues !== undefined && { eventFile: cues }),
      ...(caption && { caption }),
    },
  };
};

async function* rowsOf(place: string, sidecars: boolean): AsyncGenerator<SourceRow | UnreadRow> {
  for (const clip of filesBelow(place)) {
    if (!isClipName(clip)) continue;
    const row: SourceRow = { id: clip, clip: { file: clip }, provenance: { source: clip } };
    try {
      yield sidecars ? { ...row, ...described(place, clip) } : row;
    } catch (error) {
      if (!(error instanceof DataFormatError)) throw error;
      yield { unread: { where: join(place, clip), reason: error.message } };
    }
  }
}

/** Every clip below a folder, with what stands beside it. */
const source: SourceDefinition = defineSource({
  summary: "every clip below a folder; captions from .txt, events from .srt and .vtt beside them",
  source: "ours",
  params,
  general: true,
  recognises: ({ isFolder }) => isFolder,
  create: ({ sidecars }) => ({
    folder: (place) => resolve(place),
    rows: (place) => rowsOf(place, sidecars),
  }),
});

export default source;
