import { existsSync, readdirSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";

const withoutExtension = (name: string): string => name.replace(/\.[A-Za-z0-9]{1,5}$/, "");
const isClip = (name: string): boolean =>
  /\.(mp4|webm|mkv|avi|mov|m4v|gif|ts|mpg|mpeg|wmv|flv|ogv)$/i.test(name);

/** Where a folder keeps the clips that annotations name: as they say, deeper, or with another ending. */
export class ClipFiles {
  readonly #folder: string;
  #byStem: Map<string, string[]> | undefined;
  constructor(folder: string) {
    this.#folder = folder;
  }
  /**
   * The clip's path relative to the folder, or why there is none. A name that fits several files is none: nothing is
   * guessed.
   */
  find(name: string): { readonly file: string } | { readonly reason: string } {
    if (isClip(name) && existsSync(join(this.#folder, name))) return { file: name };
    const wanted = withoutExtension(name.replaceAll("\\", "/").replace(/^\.\//, ""));
    const stem = basename(wanted);
    const all = this.#list().get(stem) ?? [];
    const fitting = all.filter((path) => `/${withoutExtension(path)}`.endsWith(`/${wanted}`));
    const found = fitting.length > 0 ? fitting : all;
    if (found.length === 1) return { file: found[0]! };
    return {
      reason:
        found.length === 0
          ? `no clip ${name} in ${basename(this.#folder)}`
          : `${found.length} clips are called ${stem}: ${found.slice(0, 3).join(", ")}`,
    };
  }
  #list(): Map<string, string[]> {
    if (this.#byStem !== undefined) return this.#byStem;
    const entries = existsSync(this.#folder)
      ? readdirSync(this.#folder, { recursive: true, withFileTypes: true })
      : [];
    const paths = entries
      .filter((entry) => !entry.isDirectory() && isClip(entry.name))
      .map(({ parentPath, name }) => relative(this.#folder, join(parentPath, name)).split(sep).join("/"));
    this.#byStem = Map.groupBy(paths, (path) => withoutExtension(basename(path)));
    return this.#byStem;
  }
}
