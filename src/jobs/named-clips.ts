import { existsSync, statSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { ConfigError, VideoPerceiverError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import { ClipFinder, filesBelow, isClipName, withoutRow } from "../dataset/clip-files.ts";
import { isUnread, trainingSources } from "../dataset/sources.ts";
import { recognisedSource } from "./build/plan-clips.ts";

/** A clip that a person named, and what they said of it. */
export interface NamedClip {
  readonly file: string;
  readonly caption?: string;
  readonly keywords?: readonly string[];
}

const isFolder = (place: string): boolean =>
  statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;

/** The clips of files and folders, in the order in which they were named; a folder's by path. */
const clipsIn = (places: readonly string[]): string[] => [
  ...new Set(
    places.flatMap((place) => {
      if (!isFolder(place)) return [place];
      const clips = [...filesBelow(place)].filter(isClipName).map((file) => join(place, file));
      if (clips.length === 0) throw new ConfigError("no clip in the folder", { where: place });
      return clips;
    }),
  ),
];

/**
 * The rows of a table of captions with their clips.
 *
 * @param warn hears one line for each row that cannot be used, and one of named clips without a row
 */
const captioned = async (
  table: string,
  places: readonly string[],
  warn: (line: string) => void,
): Promise<NamedClip[]> => {
  if (!existsSync(table)) throw new ConfigError("no such file of captions", { where: table });
  const { value: source } = await trainingSources.choose(await recognisedSource(table));
  const folders = places.filter(isFolder);
  const finders = (folders.length > 0 ? folders : [source.folder(table)]).map(
    (folder) => new ClipFinder(folder),
  );
  const find = (name: string): string => {
    let failed: unknown;
    for (const finder of finders) {
      try {
        return finder.find(name);
      } catch (error) {
        failed = error;
      }
    }
    throw failed;
  };
  const wanted = places.length === 0 ? undefined : new Set(clipsIn(places).map((file) => resolve(file)));
  const left = new Set(wanted);
  const clips: NamedClip[] = [];
  for await (const row of source.rows(table)) {
    if (isUnread(row)) {
      warn(`${row.unread.where}: ${row.unread.reason}`);
      continue;
    }
    try {
      const file = find(row.clip.file);
      if (wanted?.has(resolve(file)) === false) continue;
      left.delete(resolve(file));
      const { caption, keywords } = row;
      clips.push({ file, ...(caption !== undefined && { caption }), ...(keywords && { keywords }) });
    } catch (error) {
      if (!(error instanceof VideoPerceiverError)) throw error;
      warn(`${row.id}: ${error.message}`);
    }
  }
  if (clips.length === 0)
    throw new ConfigError("no clip for any row of the captions", {
      where: table,
      expected: "a column with paths or names of clips",
      hint: "name the folder of the clips before --captions",
    });
  const unsaid = withoutRow(
    [...left].map((file) => basename(file)),
    table,
  );
  if (unsaid !== undefined) warn(unsaid);
  return clips;
};

/**
 * Every clip that files, folders and a table of captions name.
 *
 * @throws {ConfigError} when they name none
 */
export const namedClips = async (
  places: readonly string[],
  captions: string | undefined,
  warn: (line: string) => void,
): Promise<NamedClip[]> => {
  if (captions !== undefined) return captioned(captions, places, warn);
  if (places.length === 0)
    throw new ConfigError("no clip named", { expected: "clips, folders of clips, or --captions FILE" });
  return clipsIn(places).map((file) => ({ file }));
};

/** A folder's name for each clip, no two alike: its file's, with what tells it apart where that stands twice. */
export const folderNames = (clips: readonly NamedClip[]): string[] => {
  const stems = clips.map(({ file }) => basename(file, extname(file)));
  const counts = new Map<string, number>();
  for (const stem of stems) counts.set(stem.toLowerCase(), (counts.get(stem.toLowerCase()) ?? 0) + 1);
  return clips.map(({ file, caption = "", keywords = [] }, at) => {
    const stem = stems[at]!;
    if (counts.get(stem.toLowerCase()) === 1) return stem;
    return `${stem}-${sha256(JSON.stringify([resolve(file), caption, keywords])).slice(0, 8)}`;
  });
};
