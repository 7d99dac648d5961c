import { constants, copyFileSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { sha256OfFile, writeFileAtomic } from "../core/files.ts";
import type { CacheFolder } from "../frames/cache-folder.ts";

/** Endings of the films of a pair, and of the note that says their content. */
const endings = ["complete.mp4", "absent.mp4"] as const;
const noteEnding = "json";

/** Both films of a pair, the complete one first. */
export type FilmPlaces = readonly [complete: string, absent: string];

/** Copies under a name of its own, gives the file its name when `isWhole` agrees. */
const copyWhole = async (
  from: string,
  to: string,
  isWhole: (copy: string) => Promise<boolean>,
): Promise<boolean> => {
  const temporary = `${to}.tmp`;
  try {
    copyFileSync(from, temporary, constants.COPYFILE_FICLONE);
    if (!(await isWhole(temporary))) return false;
    renameSync(temporary, to);
    return true;
  } finally {
    rmSync(temporary, { force: true });
  }
};

/**
 * Films of pairs by what decides their bytes (clip, replacements, builder, encoder), so that the next format of a data set
 * does not encode them again. A film is handed out as a copy, and only when its content is what was kept: whoever writes
 * into an export changes no other, and a damaged film is made anew.
 */
export class KeptFilms {
  readonly #folder: CacheFolder;
  readonly #onTrouble: (line: string) => void;
  /** @param onTrouble hears, in one line, why films are not kept */
  constructor(folder: CacheFolder, onTrouble: (line: string) => void) {
    this.#folder = folder;
    this.#onTrouble = onTrouble;
  }
  /** Copies the films of a key to their places. @returns false when they are not there, or not whole */
  async take(key: string, places: FilmPlaces): Promise<boolean> {
    try {
      const note = this.#folder.fileOf(key, noteEnding);
      const hashes = JSON.parse(readFileSync(note, "utf8")) as readonly unknown[];
      for (const [at, ending] of endings.entries()) {
        const film = this.#folder.fileOf(key, ending);
        this.#folder.touch(film);
        const isWhole = async (copy: string): Promise<boolean> => (await sha256OfFile(copy)) === hashes[at];
        if (!(await copyWhole(film, places[at]!, isWhole))) return false;
      }
      this.#folder.touch(note);
      return true;
    } catch {
      // Not kept, taken away in the meantime, or no room for a copy: they are made, and then a full disk is told.
      return false;
    }
  }
  /** Keeps the films of a key; whatever hinders it is told and costs nothing but the next export's time. */
  async keep(key: string, places: FilmPlaces): Promise<void> {
    try {
      const hashes: string[] = [];
      for (const [at, ending] of endings.entries()) {
        const film = this.#folder.fileOf(key, ending);
        const temporary = this.#folder.temporaryOf(film);
        copyFileSync(places[at]!, temporary, constants.COPYFILE_FICLONE);
        hashes.push(await sha256OfFile(temporary));
        renameSync(temporary, film);
        this.#folder.added(statSync(film).size);
      }
      writeFileAtomic(this.#folder.fileOf(key, noteEnding), JSON.stringify(hashes));
    } catch (error) {
      this.#onTrouble(`films are not kept for the next format: ${(error as Error).message}`);
    }
  }
}
