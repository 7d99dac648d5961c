import { describe, expect, it } from "vitest";
import { ownCaptions, realCaptions } from "../../../scripts/caption-labels.ts";
import { keywordExtractors } from "../../../src/absent/keywords.ts";
import { otherLanguage } from "../../../src/absent/language/caption-language.ts";
import { installedWordNet } from "../../../src/absent/language/wordnet.ts";
import { sharedFile, sharedMissing } from "../../shared-data.ts";

const wordNet = installedWordNet();

describe("otherLanguage", () => {
  it.each([
    ["一个男人翻煎饼，然后用平底锅接住它。", "its letters are Han"],
    ["한 남자가 팬케이크를 뒤집어 잡는다.", "its letters are Hangul"],
    ["Мужчина бросает мяч собаке.", "its letters are Cyrillic"],
    ["Ένας άντρας πετάει μια μπάλα.", "its letters are Greek"],
    ["رجل يقلب فطيرة", "its letters are Arabic"],
    ["ผู้ชายพลิกแพนเค้ก", "its letters are Thai"],
    ["女の人が ball を投げる", "most of its letters are not Latin"],
  ])("%s: %s", (caption, reason) => {
    expect(otherLanguage(caption, wordNet)).toBe(reason);
  });

  it.each([
    "Ein Mann wirft einen Ball ins Wasser.",
    "La voiture rouge percute un camion.",
    "El perro salta la valla.",
    "Um homem joga uma bola para o cachorro.",
    "La macchina rossa urta un camion.",
    "De hond springt over het hek.",
    "En man kastar en boll till sin hund.",
    "Mężczyzna rzuca piłkę psu.",
    "Bir adam topu köpeğe atıyor.",
    "Seorang pria melempar bola ke anjing.",
  ])("%s is no English", (caption) => {
    expect(otherLanguage(caption, wordNet)).toMatch(/^\d+ of its \d+ words are no English \("/);
  });

  it.each([
    "",
    "42",
    "!!!",
    "Slam dunk",
    "Dude yeets frisbee",
    "a wmoan wlaks on the street",
    "Zinedine Zidane headbutts Marco Materazzi",
    "A man makes the sign 谢谢",
    "She orders tacos al pastor in Ciudad de México",
    "The café owner flambés a crêpe",
  ])("%s may be English", (caption) => {
    expect(otherLanguage(caption, wordNet)).toBeUndefined();
  });

  it("takes no caption of ours for another language", async () => {
    for (const { caption } of await ownCaptions()) expect(otherLanguage(caption, wordNet)).toBeUndefined();
  });

  it.skipIf(sharedMissing("the language of real captions"))("and none of the real ones", async () => {
    for (const { caption } of (await realCaptions(sharedFile("data"))).rows)
      expect(otherLanguage(caption, wordNet)).toBeUndefined();
  });
});

describe("the offline extractor", () => {
  it("says which caption is no English and what to do", async () => {
    const { value } = await keywordExtractors.make("offline");
    const outcome = await value.extract(
      "Ein Mann wirft\neinen Ball ins Wasser und der Hund springt hinterher, weil er spielen will.",
    );
    expect(outcome).toMatchObject({ status: "unsupported-language", attempts: 1 });
    expect(outcome).toHaveProperty(
      "reason",
      expect.stringMatching(
        /^it reads English only, and of the caption "Ein Mann wirft einen Ball .*…" \d+ of its \d+ words are no English \("[^\n]*"\); translate it, or ask a language model \(--extractor openai:\.\.\.\)$/,
      ),
    );
  });
});
