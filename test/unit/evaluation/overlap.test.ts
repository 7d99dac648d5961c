import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { installedWordNet } from "../../../src/absent/language/wordnet.ts";
import { ciderD, documentFrequencies } from "../../../src/evaluation/overlap/cider.ts";
import { bleuCounts, bleuOf, type CaptionPair, cocoTokens } from "../../../src/evaluation/overlap/coco.ts";
import { meteorNltk, meteorTokens } from "../../../src/evaluation/overlap/meteor.ts";
import { porterStem } from "../../../src/evaluation/overlap/porter.ts";
import { type Overlap, rouge, rougeN, rougeTokens } from "../../../src/evaluation/overlap/rouge.ts";
import { wordTokens } from "../../../src/evaluation/overlap/treebank.ts";

const words = (text: string): string[] => text.split(" ");
const pair = (hypothesis: string, ...references: string[]): CaptionPair => ({
  hypothesis: words(hypothesis),
  references: references.map(words),
});

test("stems are those of NLTK's Porter stemmer, not of the paper of 1980", () => {
  const expected: Record<string, string> = {
    dying: "die",
    skies: "sky",
    news: "news",
    ties: "tie",
    dies: "die",
    enjoyed: "enjoy",
    says: "say",
    apologies: "apolog",
    analogy: "analog",
    inning: "inning",
    proceed: "proceed",
    tied: "tie",
    crossing: "cross",
    vehicles: "vehicl",
    braking: "brake",
    suddenly: "suddenli",
    happily: "happili",
    flies: "fli",
    collision: "collis",
    collided: "collid",
    university: "univers",
  };
  expect(Object.fromEntries(Object.keys(expected).map((word) => [word, porterStem(word)]))).toEqual(expected);
});

describe("ROUGE as rouge-score computes it with use_stemmer", () => {
  const rows: readonly [string, string, readonly number[], readonly number[], readonly number[]][] = [
    [
      "A car hits a pedestrian crossing the road.",
      "A pedestrian was hit by the vehicle.",
      [0.5714, 0.5, 0.5333],
      [0.1667, 0.1429, 0.1538],
      [0.4286, 0.375, 0.4],
    ],
    [
      "The pedestrian was crossing the street; the vehicle braked suddenly.",
      "Pedestrians crossed streets while vehicles were braking.",
      [0.7143, 0.5, 0.5882],
      [0, 0, 0],
      [0.7143, 0.5, 0.5882],
    ],
    [
      "At 79-80 km/h, it's raining.",
      "At 79 to 80 km/h it is raining",
      [0.7778, 0.875, 0.8235],
      [0.5, 0.5714, 0.5333],
      [0.7778, 0.875, 0.8235],
    ],
    [
      "police killed the gunman",
      "the gunman kill police",
      [1, 1, 1],
      [0.3333, 0.3333, 0.3333],
      [0.5, 0.5, 0.5],
    ],
    [
      "The quick brown fox jumps over the lazy dog",
      "The quick brown dog jumps on the log.",
      [0.75, 0.6667, 0.7059],
      [0.2857, 0.25, 0.2667],
      [0.625, 0.5556, 0.5882],
    ],
    ["testing one two", "testing one", [1, 0.6667, 0.8], [1, 0.5, 0.6667], [1, 0.6667, 0.8]],
    ["anything at all", "", [0, 0, 0], [0, 0, 0], [0, 0, 0]],
  ];
  const rounded = ({ precision, recall, f1 }: Overlap): number[] =>
    [precision, recall, f1].map((value) => Number(value.toFixed(4)));
  test.each(rows)("%s | %s", (reference, hypothesis, r1, r2, rL) => {
    expect(rounded(rouge("1", reference, hypothesis))).toEqual(r1);
    expect(rounded(rouge("2", reference, hypothesis))).toEqual(r2);
    expect(rounded(rouge("L", reference, hypothesis))).toEqual(rL);
  });
  test("without stems other words are equal, and letters beyond a-z part words", () => {
    const plain = (text: string): string[] => rougeTokens(text, false);
    expect(rounded(rougeN(plain(rows[3]![0]), plain(rows[3]![1]), 1))).toEqual([0.75, 0.75, 0.75]);
    expect(rougeTokens("Ünïcode café")).toEqual(["n", "code", "caf"]);
  });
});

describe("METEOR as NLTK computes it", () => {
  const cases: readonly [string, string, number][] = [
    ["the cat sat on the mat", "the cat sat on the mat", 0.997685],
    ["the cat sat on the mat", "on the mat sat the cat", 0.5],
    ["the cat sat on the mat", "the cat was sat on the mat", 0.965392],
    ["the automobile strikes a pedestrian walking", "the car hits a walking man", 0.526042],
    ["a car hits a pedestrian", "a vehicle strikes a pedestrian", 0.75],
    ["a car hits a pedestrian", "an automobile hit the pedestrians", 0.2],
    ["the boy quickly runs", "the boy speedily ran", 0.638889],
    ["a car stops", "a dog barks", 0.166667],
    ["the vehicle collides", "the vehicle collided", 0.981481],
    ["big dog", "large dog", 0.25],
    ["drivers stopped", "drivers halted", 0.9375],
    [
      "It is a guide to action that ensures that the military will forever heed Party commands",
      "It is a guide to action which ensures that the military always obeys the commands of the party",
      0.694444,
    ],
  ];
  test.each(cases)("%s | %s", (reference, hypothesis, score) => {
    expect(meteorNltk(words(reference), words(hypothesis), installedWordNet())).toBeCloseTo(score, 6);
  });
  test("tokens are those of NLTK, marks of one sign left out", () => {
    expect(meteorTokens("On a clear day, the driver's car (a white sedan) didn't stop.").join(" ")).toBe(
      "On a clear day the driver 's car a white sedan did n't stop",
    );
    expect(meteorTokens('He said "stop" twice...').join(" ")).toBe("He said `` stop '' twice ...");
    expect(
      wordTokens("Dr. Lee braked at 5 p.m. on Elm St. and stopped. It rained! Cannot see.").join(" "),
    ).toBe("Dr. Lee braked at 5 p.m. on Elm St. and stopped . It rained ! Can not see .");
  });
  test("no text makes any of them fail or leave [0, 1]", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.string({ maxLength: 60 }), (a, b) => {
        const score = meteorNltk(meteorTokens(a), meteorTokens(b), installedWordNet());
        for (const value of [score, rouge("1", a, b).f1, rouge("2", a, b).f1, rouge("L", a, b).f1]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        expect(cocoTokens(a).every((token) => token !== "")).toBe(true);
      }),
    );
  });
});

describe("BLEU and CIDEr-D as pycocoevalcap computes them", () => {
  const bleu = (...pairs: CaptionPair[]): number[] =>
    bleuOf(pairs.map(bleuCounts)).map((value) => Number(value.toFixed(6)));
  const crossing = "a car hits a pedestrian who is crossing the road";
  test("BLEU of one and of several captions", () => {
    expect(
      bleu(pair("the the the the the the the", "the cat is on the mat", "there is a cat on the mat"))[0],
    ).toBe(0.285714);
    expect(
      bleu(pair("a car hits a pedestrian crossing", crossing, "the car strikes the pedestrian")),
    ).toEqual([1, 0.894427, 0.843433, 0.795271]);
    expect(
      bleu(pair("a car hits a pedestrian crossing", crossing), pair("a dog runs", "a brown dog runs fast")),
    ).toEqual([0.513417, 0.433917, 0.38709, 0.375365]);
  });
  const cider = (pairs: readonly CaptionPair[]): number[] => {
    const frequencies = documentFrequencies(pairs);
    return pairs.map((one) => Number(ciderD(one, frequencies).toFixed(6)));
  };
  test("CIDEr-D; one picture alone has no weights", () => {
    const pictures = [
      pair("a car hits a pedestrian", "a car hits a pedestrian", "the car strikes a walking person"),
      pair("a dog runs on grass", "a brown dog runs on the grass", "the dog is running"),
      pair("two men ride bikes", "two men riding bicycles", "a group of men ride bikes"),
    ];
    expect(cider(pictures)).toEqual([5.349958, 2.17959, 2.863551]);
    expect(cider([pair("a b c d", "a b c d"), pair("e f g h", "e f g h")])).toEqual([10, 10]);
    expect(cider(pictures.slice(0, 1))).toEqual([0]);
  });
});
