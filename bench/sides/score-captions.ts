import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { installedWordNet } from "../../src/absent/language/wordnet.ts";
import { meteorNltk, meteorTokens } from "../../src/evaluation/overlap/meteor.ts";
import { rougeL, rougeN, rougeTokens } from "../../src/evaluation/overlap/rouge.ts";
import { answerRounds } from "../answer-rounds.ts";
import type { CaptionTexts } from "./caption-pairs.ts";

const pairs = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as readonly CaptionTexts[];
const wordNet = installedWordNet();

await answerRounds(async () => {
  const start = performance.now();
  const sums = [0, 0, 0, 0];
  for (const { reference, hypothesis } of pairs) {
    const [wanted, given] = [rougeTokens(reference), rougeTokens(hypothesis)];
    const scores = [
      rougeN(wanted, given, 1).f1,
      rougeN(wanted, given, 2).f1,
      rougeL(wanted, given).f1,
      meteorNltk(meteorTokens(reference), meteorTokens(hypothesis), wordNet),
    ];
    scores.forEach((score, i) => {
      sums[i]! += score;
    });
  }
  return { value: performance.now() - start, result: sums.map((sum) => sum / pairs.length) };
});
