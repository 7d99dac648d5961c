import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keywordExtractors } from "../../../src/absent/keywords.ts";
import { captionActions } from "../../../src/absent/language/caption-actions.ts";
import { captionKeywords } from "../../../src/absent/language/caption-keywords.ts";
import { installedWordNet, WordNet } from "../../../src/absent/language/wordnet.ts";
import { readJsonLines } from "../../../src/core/files.ts";

const captionsFile = new URL("../../data/captions.jsonl", import.meta.url).pathname;

describe("WordNet", () => {
  const wordNet = installedWordNet();

  it.each([
    ["thrown", "verb", "throw"],
    ["flies", "verb", "fly"],
    ["running", "verb", "run"],
    ["grabbed", "verb", "grab"],
    ["waving", "verb", "wave"],
    ["geese", "noun", "goose"],
    ["boxes", "noun", "box"],
  ] as const)("brings %s (%s) to %s", (word, part, lemma) => {
    expect(wordNet.lemmas(word, part)).toContain(lemma);
  });

  it("knows senses and kinds of a lemma, and what is no lemma", () => {
    expect(wordNet.entry("jump", "verb")).toMatchObject({ senses: 15, lexicographerFile: 38 });
    expect(wordNet.entry("collision", "noun")?.lexicographerFile).toBe(11);
    expect(wordNet.entry("flibbert", "verb")).toBeUndefined();
    expect(wordNet.lemmas("xyzzied", "verb")).toEqual([]);
  });

  it("names the missing file and what to do", () => {
    expect(() => new WordNet("nowhere")).toThrow(
      /cannot read WordNet: nowhere.index\.noun; got ENOENT.*npm rebuild/,
    );
  });
});

describe("captionKeywords", () => {
  it.each([
    ["A man flips a pancake and catches it with the pan.", ["flip pancake", "catch pancake"]],
    ["The car does not move.", []],
    ["A woman wearing a red hat is sitting on a bench.", []],
    ["A pedestrian is struck by a van.", ["strike pedestrian"]],
    ["Someone switches off the light.", ["switch light"]],
    ["The ball rolls down the slope.", ["roll"]],
    ["Collision between a tram and a van.", ["collision"]],
    ["She starts to dance. Then she bows.", ["dance", "bow"]],
    ["", []],
    ["!!! ... 42", []],
  ])("%s", (caption, keywords) => {
    expect(captionKeywords(caption)).toEqual(keywords);
  });

  it("takes any text, gives lower-case words of at most two, each once", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "grapheme" })), (text) => {
        const keywords = captionKeywords(text);
        expect(new Set(keywords).size).toBe(keywords.length);
        for (const keyword of keywords) expect(keyword).toMatch(/^[^\sA-Z]+( [^\sA-Z]+)?$/);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps the accuracy that docs/keywords.md reports for the held-out half", async () => {
    let hit = 0;
    let said = 0;
    let gold = 0;
    let captions = 0;
    for await (const row of readJsonLines(captionsFile)) {
      const { caption, keywords, half } = row as {
        caption: string;
        half: string;
        keywords: { action: string }[];
      };
      captions++;
      if (half !== "held-out") continue;
      const found = captionActions(caption, installedWordNet()).map(({ action }) => action);
      const left = keywords.map(({ action }) => action);
      said += found.length;
      gold += left.length;
      for (const action of found) {
        const at = left.indexOf(action);
        if (at >= 0) hit += left.splice(at, 1).length;
      }
    }
    expect(captions).toBeGreaterThanOrEqual(150);
    expect(hit / said).toBeGreaterThan(0.96);
    expect(hit / gold).toBeGreaterThan(0.94);
  });

  it("as an extractor says when a caption names no action", async () => {
    const { value } = await keywordExtractors.make("offline");
    expect(await value.extract("A quiet street.")).toEqual({
      status: "empty",
      reason: "the caption names no visible action",
      attempts: 1,
    });
    expect(await value.extract("A dog barks and jumps.")).toMatchObject({
      status: "ok",
      keywords: ["bark", "jump"],
    });
  });
});
