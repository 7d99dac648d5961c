import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { ConfigError, DataFormatError, messageOf } from "../../core/errors.ts";
import type { WordMatch } from "./meteor-align.ts";

const LINE_FEED = 10;

/** Phrases by their words, those of one first word together, in the order of the file. */
type Phrases = ReadonlyMap<string, readonly (readonly string[])[]>;

const standsAt = (words: readonly string[], at: number, phrase: readonly string[]): boolean =>
  at + phrase.length <= words.length && phrase.every((word, i) => words[at + i] === word);

const keyOf = (words: readonly string[]): string => words.join(" ");

const wordsOf = (line: string): string[] => line.split(/[ \t\r\f]+/).filter((word) => word !== "");

const unpacked = (file: string): Buffer => {
  if (!existsSync(file))
    throw new ConfigError("no table of paraphrases", {
      where: file,
      expected: "METEOR's paraphrase-en.gz, which its package and pycocoevalcap bring along",
    });
  try {
    return gunzipSync(readFileSync(file));
  } catch (error) {
    throw new DataFormatError("cannot unpack the table of paraphrases", {
      where: file,
      got: messageOf(error),
      cause: error,
    });
  }
};

/**
 * METEOR's table of paraphrases: three lines each, a probability (not used), a phrase, another phrase of its meaning. Only
 * what texts can need is kept: phrases whose words all stand in them.
 */
export class ParaphraseTable {
  readonly #file: string;
  readonly #words = new Set<string>();
  #phrases: Phrases = new Map();
  #longest = 0;

  /** @param file the table, gzipped */
  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Reads what texts of these words can need; the file is read again only for words that are new.
   *
   * @throws {ConfigError} when there is no such file
   * @throws {DataFormatError} when it is no table
   */
  cover(words: Iterable<string>): void {
    const before = this.#words.size;
    for (const word of words) this.#words.add(word);
    if (this.#words.size === before) return;
    const phrases = new Map<string, string[][]>();
    let entries = 0;
    for (const [phrase, other] of this.#entries()) {
      entries++;
      if (!phrase.every((word) => this.#words.has(word)) || !other.every((word) => this.#words.has(word)))
        continue;
      this.#longest = Math.max(this.#longest, phrase.length);
      const key = keyOf(phrase);
      const others = phrases.get(key);
      if (others === undefined) phrases.set(key, [other]);
      else others.push(other);
    }
    if (entries === 0)
      throw new DataFormatError("no table of paraphrases", {
        where: this.#file,
        expected: "three lines for each: a probability, a phrase, another phrase",
      });
    this.#phrases = phrases;
  }

  *#entries(): Generator<[string[], string[]]> {
    const bytes = unpacked(this.#file);
    let from = 0;
    const line = (): string => {
      const end = bytes.indexOf(LINE_FEED, from);
      const text = bytes.toString("utf8", from, end < 0 ? bytes.length : end);
      from = end < 0 ? bytes.length : end + 1;
      return text;
    };
    while (from < bytes.length) {
      const probability = Number(line());
      const [phrase, other] = [wordsOf(line()), wordsOf(line())];
      if (!(probability >= 0) || phrase.length === 0 || other.length === 0)
        throw new DataFormatError("no entry of a table of paraphrases", {
          where: `${this.#file}, byte ${from}`,
          expected: "a probability, a phrase and another phrase, one a line",
        });
      yield [phrase, other];
    }
  }

  /** Where a phrase of one text stands for one of the other: the reference's phrases first, then the hypothesis's. */
  matches(wanted: readonly string[], said: readonly string[]): WordMatch[] {
    const found: WordMatch[] = [];
    const look = (
      own: readonly string[],
      others: readonly string[],
      add: (at: number, length: number, otherAt: number, otherLength: number) => void,
    ): void => {
      for (let at = 0; at < own.length; at++)
        for (let length = 1; length <= this.#longest && at + length <= own.length; length++)
          for (const other of this.#phrases.get(keyOf(own.slice(at, at + length))) ?? [])
            for (let otherAt = 0; otherAt < others.length; otherAt++)
              if (standsAt(others, otherAt, other)) add(at, length, otherAt, other.length);
    };
    look(wanted, said, (at, length, otherAt, otherLength) => {
      found.push({
        stage: "paraphrase",
        wanted: at,
        wantedLength: length,
        said: otherAt,
        saidLength: otherLength,
      });
    });
    look(said, wanted, (at, length, otherAt, otherLength) => {
      found.push({
        stage: "paraphrase",
        wanted: otherAt,
        wantedLength: otherLength,
        said: at,
        saidLength: length,
      });
    });
    return found;
  }
}
