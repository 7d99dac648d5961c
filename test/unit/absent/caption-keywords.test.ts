import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addToScore,
  keywordText,
  type LabelledCaption,
  ownCaptions,
  realCaptions,
  type Score,
} from "../../../scripts/caption-labels.ts";
import { keywordExtractors } from "../../../src/absent/keywords.ts";
import { captionKeywords } from "../../../src/absent/language/caption-keywords.ts";
import { installedWordNet, WordNet } from "../../../src/absent/language/wordnet.ts";
import { readJsonRows, sha256 } from "../../../src/core/files.ts";
import { sharedFile, sharedMissing } from "../../shared-data.ts";

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

  it("knows which verbs need objects, how common words are and what is derived from what", () => {
    expect(wordNet.transitivity("open")).toBe("object");
    expect(wordNet.transitivity("smile")).toBe("none");
    expect(wordNet.transitivity("hit")).toBe("either");
    expect(wordNet.transitivity("flibbert")).toBeUndefined();
    expect(wordNet.count("jump", "verb")).toBe(34);
    expect(wordNet.count("flibbert", "noun")).toBe(0);
    expect(wordNet.derived("collide", "verb")).toContain("collision");
    expect(wordNet.derived("collision", "noun")).toContain("collide");
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
    ["", []],
    ["!!! ... 42", []],
  ])("%s", (caption, keywords) => {
    expect(captionKeywords(caption)).toEqual(keywords);
  });

  it.each([
    ["noun adjuncts", "A woman in a pattern pullover lifts a card puck.", ["lift puck"]],
    ["noun adjuncts", "Two men load a dump truck beside the push button panel.", ["load truck"]],
    ["noun adjuncts", "The kick drum stands next to a swing door.", []],
    ["gerunds in compounds", "A boy runs past the swimming pool and the ironing board.", ["run"]],
    ["like", "Her arms flap like a bird and she laughs.", ["flap", "laugh"]],
    ["like", "An object like a ball rolls into the street.", ["roll"]],
    ["times", "The skater spins three times and stops just in time.", ["spin", "stop"]],
    ["coordinated verbs", "She opens and closes the drawer.", ["open drawer", "close drawer"]],
    [
      "coordinated verbs",
      "He peels, cuts and fries the potato.",
      ["peel potato", "cut potato", "fry potato"],
    ],
    ["coordinated verbs", "Two men run, jump and wave at the crowd.", ["run", "jump", "wave"]],
    ["light verbs", "The boy gives the dog a pat.", ["pat dog"]],
    ["light verbs", "She takes a bite of an apple.", ["bite apple"]],
    ["light verbs", "The lorry makes a sharp turn and comes to a stop.", ["turn", "stop"]],
    ["light verbs", "The acrobat does a handspring.", ["do handspring"]],
    ["event nouns", "A flick of the switch, and the lamp goes out.", ["flick switch", "go out"]],
    ["event nouns", "After the crash, smoke rises from the bonnet.", ["crash", "rise"]],
    ["event nouns", "A collision occurs at the junction, causing an explosion.", ["collision", "explosion"]],
    ["event nouns", "Collision between a tram and a van.", ["collision"]],
    [
      "several events",
      "A van collides with a bus, the bus hits a kiosk and the kiosk collapses.",
      ["collide", "hit kiosk", "collapse"],
    ],
    [
      "several events",
      "Two collisions: first a taxi rams a bin, then a bike hits it.",
      ["collision", "ram bin", "hit bin"],
    ],
    [
      "particles",
      "He picks the cup up, puts it down and walks away.",
      ["pick up cup", "put down cup", "walk away"],
    ],
    ["particles", "Someone switches off the light.", ["switch off light"]],
    ["particles", "The ball rolls down the slope and bounces off the wall.", ["roll", "bounce"]],
    ["particles", "A hand lets go of the rope.", ["let go rope"]],
    ["passive", "A pedestrian is struck by a van.", ["strike pedestrian"]],
    ["passive", "The jar is being opened and emptied.", ["open jar", "empty jar"]],
    ["passive", "The girl gets hit by a snowball.", ["hit girl"]],
    ["passive", "A car that was parked by the kerb is towed away.", ["tow away car"]],
    ["states", "A table covered with cloth, bags tied to a fence, arms folded.", []],
    ["what does not happen", "Nobody moves, and the boy wants to jump but stays.", []],
    ["what does not happen", "The clip ends before the vase breaks.", []],
    ["frames", "She starts to dance. Then she is seen bowing.", ["dance", "bow"]],
    ["frames", "A man comes hopping in and tries to open the hatch.", ["hop in", "open hatch"]],
    ["portions", "He cuts a slice of bread and drops a tray of glasses.", ["cut bread", "drop tray"]],
    ["pronouns", "A woman holding a ball throws it to her.", ["throw ball"]],
    ["asides", "A man raises a hand (sign for HELLO) and nods.", ["raise hand", "nod"]],
  ])("%s: %s", (_, caption, keywords) => {
    expect(captionKeywords(caption)).toEqual(keywords);
  });

  it("takes any text, gives words in lower case, each keyword once", () => {
    const word = fc.constantFrom(
      "a",
      "man",
      "flips",
      "it",
      "and",
      "of",
      "get",
      "to",
      "not",
      ",",
      "is",
      "thrown",
      "up",
      "gives",
    );
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: "grapheme" }),
      fc.array(word).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(text, (caption) => {
        const keywords = captionKeywords(caption);
        expect(new Set(keywords).size).toBe(keywords.length);
        for (const keyword of keywords) expect(keyword).toMatch(/^[^\sA-Z]+( [^\sA-Z]+){0,2}$/);
      }),
      { numRuns: 300 },
    );
  });
});

describe("accuracy of the offline extractor on held-out captions (docs/keywords.md)", () => {
  const scoreOf = (rows: readonly LabelledCaption[]): { precision: number; recall: number } => {
    const score: Score = { hit: 0, said: 0, labelled: 0, captions: 0 };
    for (const { caption, keywords, half } of rows)
      if (half === "held-out") addToScore(score, captionKeywords(caption), keywords.map(keywordText));
    return { precision: score.hit / score.said, recall: score.hit / score.labelled };
  };

  it("of our own captions", async () => {
    const rows = await ownCaptions();
    expect(rows.filter(({ half }) => half === "held-out").length).toBeGreaterThanOrEqual(130);
    const { precision, recall } = scoreOf(rows);
    expect(precision).toBeGreaterThan(0.92);
    expect(recall).toBeGreaterThan(0.91);
  });

  it.skipIf(sharedMissing("keywords of real captions"))("of real captions", async () => {
    const { rows, missing } = await realCaptions(sharedFile("data"));
    expect(missing).toEqual([]);
    expect(rows.length).toBeGreaterThanOrEqual(150);
    const { precision, recall } = scoreOf(rows);
    expect(precision).toBeGreaterThan(0.9);
    expect(recall).toBeGreaterThan(0.85);
  });

  it("halves follow the captions' SHA-256, and no text of a real caption is committed", async () => {
    for (const { caption, half } of await ownCaptions())
      expect(half).toBe(Number.parseInt(sha256(caption).slice(0, 2), 16) % 2 === 0 ? "tuning" : "held-out");
    const file = new URL("../../data/real-captions.jsonl", import.meta.url).pathname;
    for await (const { value } of readJsonRows(file)) {
      const label = value as Record<string, string>;
      expect(Object.keys(label).sort()).toEqual(["file", "half", "id", "keywords", "sha256"]);
      expect(label["sha256"]).toMatch(/^[0-9a-f]{64}$/);
      expect(label["half"]).toBe(
        Number.parseInt(label["sha256"]!.slice(-2), 16) % 2 === 0 ? "tuning" : "held-out",
      );
    }
  });
});

it("the offline extractor says when a caption names no action", async () => {
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

it("reads what a thing in front does, not a compound of it", () => {
  expect(captionKeywords("The car in front brakes suddenly.")).toEqual(["brake"]);
  expect(captionKeywords("The vehicle in front stops.")).toEqual(["stop"]);
  expect(captionKeywords("A man in front of the car waves.")).toEqual(["wave"]);
});
