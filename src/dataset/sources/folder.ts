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

const stemOf = (file: string): string => file.slice(0, file.length - extname(file).length);

/** Texts that people put beside clips and that say nothing of one clip. */
const ofTheFolder = /(^|\/)(readme|licen[cs]e|notice|copying|changelog)\b[^/]*$/i;

/** Files that say something of clips, by the ending and the clip's name with and without its own. */
class Sidecars {
  readonly #files = new Map<string, string>();
  readonly #used = new Set<string>();

  constructor(files: readonly string[]) {
    for (const file of files) {
      const ending = extname(file).slice(1).toLowerCase();
      if (["txt", "srt", "vtt"].includes(ending)) this.#files.set(`${stemOf(file)} ${ending}`, file);
    }
  }

  /** The one with this ending that belongs to a clip. */
  of(clip: string, ending: string): string | undefined {
    const known = [stemOf(clip), clip].flatMap((name) => this.#files.get(`${name} ${ending}`) ?? []);
    for (const file of known) this.#used.add(file);
    return known[0];
  }

  /** Those that belong to none. Texts are only where some clip has one: what else stands in them nobody knows. */
  strays(): string[] {
    const hasTexts = [...this.#used].some((file) => /\.txt$/i.test(file));
    return [...this.#files.values()].filter(
      (file) => !this.#used.has(file) && (hasTexts || !/\.txt$/i.test(file)) && !ofTheFolder.test(file),
    );
  }
}

/** What stands beside a clip: `clip.txt` says what happens, `clip.srt` or `clip.vtt` says when as well. */
const described = (folder: string, clip: string, sidecars: Sidecars): Partial<SourceRow> => {
  const text = sidecars.of(clip, "txt");
  const [subRip, webVtt] = [sidecars.of(clip, "srt"), sidecars.of(clip, "vtt")];
  const cues = subRip ?? webVtt;
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

async function* rowsOf(place: string, withSidecars: boolean): AsyncGenerator<SourceRow | UnreadRow> {
  const files = [...filesBelow(place)];
  const sidecars = new Sidecars(withSidecars ? files : []);
  for (const clip of files) {
    if (!isClipName(clip)) continue;
    try {
      yield {
        id: clip,
        clip: { file: clip },
        provenance: { source: clip },
        ...described(place, clip, sidecars),
      };
    } catch (error) {
      if (!(error instanceof DataFormatError)) throw error;
      yield { unread: { where: join(place, clip), reason: error.message } };
    }
  }
  for (const file of sidecars.strays())
    yield { unread: { where: join(place, file), reason: "no clip has this name" } };
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
