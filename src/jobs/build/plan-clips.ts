import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { ConfigError, UnknownNameError, VideoPerceiverError } from "../../core/errors.ts";
import { sha256 } from "../../core/files.ts";
import { nearestName } from "../../core/nearest.ts";
import { seededRandom } from "../../core/random.ts";
import type { MadeBy } from "../../core/registry.ts";
import { ClipFinder, filesBelow, isClipName, withoutRow } from "../../dataset/clip-files.ts";
import type { Rejection } from "../../dataset/schema.ts";
import {
  isUnread,
  type SourceDefinition,
  type SourceLook,
  type SourceRow,
  type TrainingSource,
  trainingSources,
  type UnreadRow,
} from "../../dataset/sources.ts";
import type { PlannedClip, PlannedRow } from "./protocol.ts";

/** A source as a person names it. */
export interface NamedSource {
  /** File or folder. */
  readonly place: string;
  /** `NAME` or `NAME:key=value,...` of a training source; found by its look when left out. */
  readonly kind?: string;
  /** Where its clips are; where the source says when left out. */
  readonly clips?: string;
}

/** What is to be done: every clip once, in the order in which the sources first name it. */
export interface BuildPlan {
  readonly clips: readonly PlannedClip[];
  readonly rejected: readonly Rejection[];
  readonly sources: readonly (MadeBy & { readonly place: string; readonly rows: number })[];
  /** What a person should know of the sources. */
  readonly notes: readonly string[];
}

/** Characters of a file by which its source is told. */
const headLength = 65_536;

const lookOf = (place: string): SourceLook => {
  if (!existsSync(place))
    throw new ConfigError("no such source", { where: place, expected: "a file or folder" });
  if (statSync(place).isDirectory()) return { place, isFolder: true, head: "" };
  const bytes = Buffer.alloc(headLength);
  const handle = openSync(place, "r");
  const length = readSync(handle, bytes, 0, headLength, 0);
  closeSync(handle);
  return { place, isFolder: false, head: bytes.toString("utf8", 0, length) };
};

/** The source that a file or folder looks like. @throws {ConfigError} when that is none, or several */
export const recognisedSource = async (place: string): Promise<string> => {
  const look = lookOf(place);
  const fitting: { readonly name: string; readonly plugin: SourceDefinition }[] = [];
  for (const name of trainingSources.names()) {
    const plugin = await trainingSources.load(name);
    if (plugin.recognises?.(look) === true) fitting.push({ name, plugin });
  }
  const special = fitting.filter(({ plugin }) => plugin.general !== true);
  const found = special.length > 0 ? special : fitting;
  if (found.length === 1) return found[0]!.name;
  if (isClipName(place) && !look.isFolder)
    throw new ConfigError("a clip is no source", {
      where: place,
      expected: "a folder of clips, or a table that says what happens in them",
      hint: `a twin of one clip: videoperceiver absent ${place} --caption TEXT --out DIR`,
    });
  throw new ConfigError(found.length === 0 ? "no source looks like this" : "several sources look like this", {
    where: place,
    expected: `one of ${trainingSources.names().join(", ")}`,
    ...(found.length > 0 && { got: found.map(({ name }) => name).join(", ") }),
    hint: `say which: NAME=${place}`,
  });
};

/**
 * `PLACE` or `KIND=PLACE` as a person writes it; a file that has this very name is meant before a kind is.
 *
 * @throws {UnknownNameError} for a kind that is not there, where no file has the name
 */
export const parseSource = (text: string): NamedSource => {
  const [, kind, place] = /^([A-Za-z][\w.-]*(?::[^=]+(?:=[^=]*)*?)?)=(.+)$/.exec(text) ?? [];
  if (kind === undefined || place === undefined || existsSync(text)) return { place: text };
  const name = kind.split(":")[0]!;
  const known = trainingSources.names();
  if (!known.includes(name))
    throw new UnknownNameError("training source", name, known, nearestName(name, known));
  return { place, kind };
};

/** A source with the parameters of `--columns` on top of its own. */
const openSource = async (
  { kind, place }: NamedSource,
  columns: Readonly<Record<string, string>>,
): Promise<{ readonly source: TrainingSource; readonly recipe: MadeBy }> => {
  const text = kind ?? (await recognisedSource(place));
  const { plugin, recipe, value } = await trainingSources.choose(text);
  const names = Object.keys(columns);
  if (names.length === 0) return { source: value, recipe };
  const stray = names.find((name) => !(name in plugin.params.shape));
  if (stray !== undefined)
    throw new ConfigError("bad --columns", {
      where: place,
      expected: `${Object.keys(plugin.params.shape).join(", ") || "none"} (source "${recipe.name}")`,
      got: stray,
    });
  const made = await trainingSources.make(recipe.name, { ...recipe.params, ...columns });
  return { source: made.value, recipe: made.recipe };
};

/** Why a row cannot be used; the folders of this machine are no part of what people pass on. */
const unreadRejection = ({ unread }: UnreadRow, place: string): Rejection => {
  const short = (text: string): string => text.replaceAll(place, basename(resolve(place)));
  return { source: short(unread.where), ruleId: "source", reason: short(unread.reason) };
};

/** Collects rows by the clip that they are about. */
class Collector {
  readonly clips = new Map<string, { name: string; rows: PlannedRow[] }>();
  readonly rejected: Rejection[] = [];
  readonly #ids = new Map<string, number>();
  /** Where each row stands that was added, by all that it says. */
  readonly #said = new Map<string, string>();

  /** Adds a row, or says why it cannot be one. */
  add(row: SourceRow, sourceNumber: number, find: (name: string) => string): void {
    const where = String(row.provenance["source"] ?? row.id);
    const owner = this.#ids.get(row.id);
    if (owner === sourceNumber) {
      this.rejected.push({ source: where, ruleId: "source", reason: `the id "${row.id}" stands twice` });
      return;
    }
    // Two sources may have rows of the same name.
    const id = owner === undefined ? row.id : `${row.id}@${sourceNumber + 1}`;
    this.#ids.set(row.id, sourceNumber);
    let path: string;
    let { rejected } = row;
    try {
      path = find(row.clip.file);
      if (rejected?.clip !== undefined) rejected = { ...rejected, clip: { file: find(rejected.clip.file) } };
    } catch (error) {
      if (!(error instanceof VideoPerceiverError)) throw error;
      this.rejected.push({ source: where, ruleId: "source", reason: error.message });
      return;
    }
    const { id: _, provenance: __, ...says } = row;
    const content = sha256(JSON.stringify([sourceNumber, path, says]));
    const before = this.#said.get(content);
    if (before !== undefined) {
      const reason = `the same row as ${before}: clip, texts and events are equal`;
      this.rejected.push({ source: where, ruleId: "source", reason });
      return;
    }
    this.#said.set(content, where);
    const known = this.clips.get(path) ?? { name: row.clip.file, rows: [] };
    this.clips.set(path, known);
    const { timeline: ___, ...clip } = row.clip;
    known.rows.push({ row: { ...row, id, clip, ...(rejected && { rejected }) }, sourceNumber });
  }
}

/** Captions that are given to questions as wrong answers at most. */
const mostCaptions = 200;

/** The set's captions, or as many as are needed, drawn the same every time. */
export const captionsOf = ({ clips }: Pick<BuildPlan, "clips">, seed: number): string[] => {
  const all = new Set(clips.flatMap(({ rows }) => rows.flatMap(({ row }) => row.caption ?? [])));
  return seededRandom(seed, "captions")
    .shuffled([...all])
    .slice(0, mostCaptions);
};

/** Clips of a named folder that no row is about, in one sentence. */
const unusedClips = (folder: string, used: ReadonlyMap<string, unknown>, place: string): string[] => {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const unused = [...filesBelow(folder)].filter(
    (file) => isClipName(file) && !used.has(resolve(folder, file)),
  );
  return [withoutRow(unused, place)].filter((line) => line !== undefined);
};

/**
 * Reads sources and finds their clips.
 *
 * @throws {ConfigError} for a source that is not there or that nothing recognises
 * @throws {DataFormatError} for a file of which no row can be used
 */
export const planClips = async (
  sources: readonly NamedSource[],
  columns: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<BuildPlan> => {
  const collected = new Collector();
  const read: BuildPlan["sources"][number][] = [];
  const notes: string[] = [];
  for (const [number, named] of sources.entries()) {
    const { place } = named;
    const { source, recipe } = await openSource(named, columns);
    if (named.clips !== undefined && statSync(named.clips, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new ConfigError("no such folder of clips", { where: named.clips, hint: "give it with --clips" });
    const finder = new ClipFinder(resolve(named.clips ?? source.folder(place)));
    let rows = 0;
    for await (const row of source.rows(place)) {
      signal.throwIfAborted();
      rows++;
      if (isUnread(row)) collected.rejected.push(unreadRejection(row, place));
      else collected.add(row, number, (name) => finder.find(name));
    }
    if (named.clips !== undefined) notes.push(...unusedClips(resolve(named.clips), collected.clips, place));
    read.push({ ...recipe, place: basename(resolve(place)), rows });
  }
  let firstRow = 0;
  const clips = [...collected.clips].map(([path, { name, rows }], position) => {
    const clip = { position, path, name, rows, firstRow };
    firstRow += rows.length;
    return clip;
  });
  return { clips, rejected: collected.rejected, sources: read, notes };
};
