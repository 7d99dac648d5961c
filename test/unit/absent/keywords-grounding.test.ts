import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownCaptions } from "../../../scripts/caption-labels.ts";
import { captionKeywords } from "../../../src/absent/language/caption-keywords.ts";
import { groundedKeywords } from "../../../src/absent/language/grounding.ts";
import { installedWordNet } from "../../../src/absent/language/wordnet.ts";

const wordNet = installedWordNet();

describe("groundedKeywords", () => {
  it.each([
    ["A man flips a pancake.", "flip pancake"],
    ["The geese were taking off.", "take off goose"],
    ["He threw two knives.", "throw knife"],
    ["A collision between a tram and a van.", "collide"],
    ["The cars collide.", "collision"],
    ["An explosion in a quarry.", "explode"],
    ["The car rear-ends a truck.", "rear-end truck"],
    ["The woman’s hat falls off.", "hat falls off"],
    ["She picks the cup up.", "pick up the cup"],
    ["It stops.", "it stops"],
  ])("%s says %s", (caption, keyword) => {
    expect(groundedKeywords([keyword], caption, wordNet)).toEqual({ kept: [keyword], dropped: [] });
  });

  it.each([
    ["A man flips a pancake.", "toss pancake", ["toss"]],
    ["A man flips a pancake.", "spill milk", ["spill", "milk"]],
    ["The cars collide.", "car crash", ["crash"]],
    ["A quiet street.", "over", ["over"]],
    ["A quiet street.", "!!", []],
  ])("%s does not say %s", (caption, keyword, missing) => {
    expect(groundedKeywords([keyword], caption, wordNet)).toEqual({
      kept: [],
      dropped: [{ keyword, missing }],
    });
  });

  it("keeps the order and every keyword once, in one of the two lists", () => {
    const words = fc.array(fc.constantFrom("flip", "pancake", "spill", "it", "–", "up"), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(words.map((parts) => parts.join(" "))), (keywords) => {
        const { kept, dropped } = groundedKeywords(keywords, "He flips it up, a pancake", wordNet);
        const rest = dropped.map(({ keyword }) => keyword);
        expect([...kept, ...rest].sort()).toEqual([...keywords].sort());
        expect(kept).toEqual(keywords.filter((keyword) => kept.includes(keyword)));
      }),
      { numRuns: 50 },
    );
  });

  it("says of every keyword of the offline extractor that the caption says it", async () => {
    for (const { caption } of await ownCaptions())
      expect(groundedKeywords(captionKeywords(caption), caption, wordNet).dropped).toEqual([]);
  });
});
