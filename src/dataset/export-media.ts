import { constants, copyFileSync, existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { extname, join } from "node:path";
import { writeTwinClips } from "../absent/twin-clips.ts";
import { twinView } from "../absent/twin-view.ts";
import { DataFormatError } from "../core/errors.ts";
import { makeFolder, sha256, sha256OfFile } from "../core/files.ts";
import type { VideoService } from "../video/service.ts";
import type { ExportMediaNeed, ExportSample } from "./export.ts";
import type { FilmPlaces, KeptFilms } from "./kept-films.ts";
import type { Sample } from "./sample.ts";

/** Raised when the same pair would be written as other bytes by the same encoder. */
const mediaVersion = "1";

/** Folder of the films, inside an export. */
export const mediaFolder = "videos";

/** Which of {@link ExportSample}'s fields the media give. */
export type ExportedMedia = Pick<ExportSample, "clip" | "absent">;

/** What the films of an export are made of and with. */
export interface ExportMediaOptions {
  readonly dataset: string;
  /** The export's, not that of the films. */
  readonly folder: string;
  readonly video: VideoService;
  /** Films that were made before; nothing is reused or kept when left out. */
  readonly kept?: KeptFilms | undefined;
  readonly signal?: AbortSignal;
}

/**
 * The films of an export: clips as they are, twins as files. Names say the content, so that an export that was ended
 * goes on where it was, and samples about one clip share it.
 */
export class ExportMedia {
  readonly #options: ExportMediaOptions;
  readonly #checked = new Map<string, Promise<void>>();
  readonly #made = new Map<string, Promise<void>>();
  readonly #used = new Set<string>();
  constructor(options: ExportMediaOptions) {
    this.#options = options;
    makeFolder(join(options.folder, mediaFolder));
  }
  /**
   * The films of a sample. With a twin both are encoded anew, alike: beside an original, a twin could be told by its
   * compression.
   *
   * @throws {DataFormatError} when the clip is not the one that the sample is about
   * @throws {VideoError} when it cannot be decoded or written
   */
  async of(sample: Sample, needs: ExportMediaNeed): Promise<ExportedMedia> {
    const source = join(this.#options.dataset, sample.clip.file);
    await this.#check(source, sample.clip.sha256);
    if (needs === "pictures") return { clip: source };
    const { absent } = sample;
    if (needs === "clip" || absent === undefined)
      return { clip: await this.#copied(source, sample.clip.sha256) };
    if (absent.file !== undefined && absent.sha256 !== undefined) {
      const twin = join(this.#options.dataset, absent.file);
      await this.#check(twin, absent.sha256);
      const clip = await this.#copied(source, sample.clip.sha256);
      return { clip, absent: await this.#copied(twin, absent.sha256) };
    }
    return this.#encoded(source, sample);
  }
  /** Takes away films that no row names: of an earlier attempt, or of samples that were left out. */
  sweep(): void {
    const folder = join(this.#options.folder, mediaFolder);
    for (const name of readdirSync(folder)) if (!this.#used.has(name)) rmSync(join(folder, name));
  }
  #check(file: string, hash: string): Promise<void> {
    const key = `${file} ${hash}`;
    const known = this.#checked.get(key) ?? checkedFile(file, hash);
    this.#checked.set(key, known);
    return known;
  }
  /** Makes what is named once, however many samples ask. */
  async #once(names: readonly string[], make: () => Promise<void>): Promise<void> {
    const key = names.join();
    const there = names.every((name) => existsSync(join(this.#options.folder, mediaFolder, name)));
    const made = this.#made.get(key) ?? (there ? Promise.resolve() : make());
    this.#made.set(key, made);
    await made;
    for (const name of names) this.#used.add(name);
  }
  async #copied(source: string, hash: string): Promise<string> {
    const name = `${hash.slice(0, 24)}${extname(source).toLowerCase() || ".mp4"}`;
    await this.#once([name], async () => {
      const file = join(this.#options.folder, mediaFolder, name);
      copyFileSync(source, `${file}.tmp`, constants.COPYFILE_FICLONE);
      renameSync(`${file}.tmp`, file);
    });
    return `${mediaFolder}/${name}`;
  }
  async #encoded(source: string, { clip, absent }: Sample): Promise<ExportedMedia> {
    const { folder, video, kept, signal } = this.#options;
    const { replacements, builder } = absent!;
    // What another encoder makes of a pair is another film.
    const made = [mediaVersion, await video.decoder(), clip.sha256, replacements, builder];
    const record = sha256(JSON.stringify(made));
    const key = `${clip.sha256.slice(0, 12)}-${record.slice(0, 12)}`;
    const names = [`${key}.mp4`, `${key}-absent.mp4`] as const;
    await this.#once(names, async () => {
      const places: FilmPlaces = [join(folder, mediaFolder, names[0]), join(folder, mediaFolder, names[1])];
      if (await kept?.take(record, places)) return;
      const { width, height } = await video.probe(source, signal);
      await writeTwinClips({
        video,
        file: source,
        size: { width, height },
        view: await twinView(absent!),
        replacements,
        complete: places[0],
        absent: places[1],
        ...(signal && { signal }),
      });
      await kept?.keep(record, places);
    });
    return { clip: `${mediaFolder}/${names[0]}`, absent: `${mediaFolder}/${names[1]}` };
  }
}

const checkedFile = async (file: string, hash: string): Promise<void> => {
  if (!existsSync(file)) throw new DataFormatError("a clip is missing", { where: file });
  const found = await sha256OfFile(file);
  if (found !== hash)
    throw new DataFormatError("a clip has another content than its sample says", {
      where: file,
      expected: `SHA-256 ${hash}`,
      got: found,
      hint: "make the data set again",
    });
};
