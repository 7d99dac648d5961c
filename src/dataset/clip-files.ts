import { readdirSync, statSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { DataFormatError } from "../core/errors.ts";
import { nearestName } from "../core/nearest.ts";

/** Endings by which files are taken for clips. Others can still be named in full. */
const clipEndings: ReadonlySet<string> = new Set(
  "mp4 m4v mov mkv webm avi mpg mpeg ts m2ts mts wmv flv ogv 3gp gif".split(" ").map((name) => `.${name}`),
);

/** True for a name that a clip has. */
export const isClipName = (file: string): boolean => clipEndings.has(extname(file).toLowerCase());

/** Folders that are no part of what a person put there. */
const isHidden = (name: string): boolean => name.startsWith(".");

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Paths of all files below a folder, relative to it with `/`, in the order of their code units; hidden ones are left
 * out.
 */
export function* filesBelow(folder: string, below = ""): Generator<string> {
  const entries = readdirSync(join(folder, below), { withFileTypes: true })
    .filter(({ name }) => !isHidden(name))
    .sort((a, b) => inOrder(a.name, b.name));
  for (const entry of entries) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    const isFolder = entry.isSymbolicLink()
      ? statSync(join(folder, path), { throwIfNoEntry: false })?.isDirectory() === true
      : entry.isDirectory();
    // A link to a folder is not followed: it may lead back.
    if (isFolder && !entry.isSymbolicLink()) yield* filesBelow(folder, path);
    else if (!isFolder) yield path;
  }
}

/** What is said of clips that no row of a table is about; undefined: there are none. */
export const withoutRow = (clips: readonly string[], table: string): string | undefined => {
  if (clips.length === 0) return undefined;
  const shown = clips.slice(0, 3).join(", ");
  const said = clips.length === 1 ? "1 clip has" : `${clips.length} clips have`;
  return `${said} no row in ${basename(table)}: ${shown}${clips.length > 3 ? ", ..." : ""}`;
};

/** A path as this system writes it: of Windows, and with accents as letters of their own or not. */
const plainPath = (name: string): string => name.replaceAll("\\", "/").normalize("NFC");

/** Those of several paths whose last folders are those of a name; all of them where none has one. */
const sameFolders = (paths: readonly string[], name: string): readonly string[] => {
  const wanted = name.split("/").slice(0, -1).reverse();
  const agreeing = (path: string): number => {
    const folders = plainPath(path).split("/").slice(0, -1).reverse();
    const other = wanted.findIndex((folder, at) => folders[at] !== folder);
    return other < 0 ? wanted.length : other;
  };
  const most = Math.max(...paths.map(agreeing));
  return most === 0 ? paths : paths.filter((path) => agreeing(path) === most);
};

const stemOf = (file: string): string => file.slice(0, file.length - extname(file).length);

/** Finds clips of a folder by path, file name or name without ending; the folder is read when a path is not enough. */
export class ClipFinder {
  readonly #folder: string;
  #byName: Map<string, string[]> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The full path of a clip.
   *
   * @param name a path (full or from the folder), a file's name, or that without its ending
   * @throws {DataFormatError} when there is no such file, or several
   */
  find(name: string): string {
    if (name.includes("\0"))
      throw new DataFormatError("no such clip", {
        where: JSON.stringify(name),
        got: "a name with a zero byte",
      });
    const plain = plainPath(name);
    for (const written of [name, plain]) {
      const path = resolve(this.#folder, written);
      if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
    }
    this.#byName ??= this.#read();
    const known = this.#byName;
    const last = basename(plain);
    const named = known.get(plain) ?? known.get(last) ?? known.get(stemOf(last));
    const found = named === undefined ? undefined : sameFolders(named, plain);
    if (found?.length === 1) return join(this.#folder, found[0]!);
    if (found !== undefined)
      throw new DataFormatError("several clips have this name", {
        where: name,
        expected: "a path from the folder",
        got: found.slice(0, 3).join(", "),
      });
    const nearest = known.size > 5000 ? undefined : nearestName(last, [...known.keys()]);
    throw new DataFormatError("no such clip", {
      where: name,
      expected: `a clip in the folder "${basename(this.#folder)}" or below it`,
      ...(nearest !== undefined && { hint: `did you mean "${nearest}"?` }),
    });
  }

  #read(): Map<string, string[]> {
    const names = new Map<string, string[]>();
    const add = (name: string, path: string): void => {
      const there = names.get(name);
      if (there === undefined) names.set(name, [path]);
      else if (!there.includes(path)) there.push(path);
    };
    if (statSync(this.#folder, { throwIfNoEntry: false })?.isDirectory() !== true) return names;
    for (const path of filesBelow(this.#folder)) {
      if (!isClipName(path)) continue;
      const name = plainPath(basename(path));
      add(name, path);
      add(stemOf(name), path);
    }
    return names;
  }
}
