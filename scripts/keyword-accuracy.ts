/**
 * Precision and recall of the offline keyword extractor per half, on the captions that we wrote and on the real ones of
 * the shared data; `--errors` lists what went wrong in the tuning halves only and leaves the held-out halves out of
 * the table, so that they stay unseen while rules are written.
 * Run: node scripts/keyword-accuracy.ts [--errors]
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { captionActions } from "../src/absent/language/caption-actions.ts";
import { installedWordNet } from "../src/absent/language/wordnet.ts";
import { addToScore, keywordText, ownCaptions, realCaptions, type Score } from "./caption-labels.ts";

const errors = process.argv.includes("--errors");
const root = fileURLToPath(new URL("..", import.meta.url));
const shared = resolve(root, process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared", "data");
const real = await realCaptions(shared);
if (real.missing.length > 0)
  console.log(
    `SKIPPED: ${real.missing.length} real captions are not below ${shared} (set VIDEOPERCEIVER_SHARED), the first: ${real.missing[0]}`,
  );

const wordNet = installedWordNet();
const scores = new Map<string, Score>();
const scoreOf = (key: string): Score => {
  const score = scores.get(key) ?? { hit: 0, said: 0, labelled: 0, captions: 0 };
  scores.set(key, score);
  return score;
};
for (const [kind, rows] of [
  ["real", real.rows],
  ["own", await ownCaptions()],
] as const)
  for (const { caption, keywords, half } of rows) {
    if (errors && half === "held-out") continue;
    const said = captionActions(caption, wordNet);
    addToScore(
      scoreOf(`${kind}, ${half}: action`),
      said.map(({ action }) => action),
      keywords.map(({ action }) => action),
    );
    const [saidTexts, labels] = [said.map(keywordText), keywords.map(keywordText)];
    addToScore(scoreOf(`${kind}, ${half}: action with object`), saidTexts, labels);
    if (errors && [...saidTexts].sort().join() !== [...labels].sort().join())
      console.log(`${caption.trim()}\n   said ${saidTexts.join(", ")}\n   label ${labels.join(", ")}`);
  }
console.log(
  "| captions, half: what | captions | keywords | precision | recall | F1 |\n|---|---|---|---|---|---|",
);
for (const [key, { hit, said, labelled, captions }] of scores) {
  const [precision, recall] = [hit / said, hit / labelled];
  const f1 = (2 * precision * recall) / (precision + recall);
  console.log(
    `| ${key} | ${captions} | ${labelled} | ${precision.toFixed(3)} | ${recall.toFixed(3)} | ${f1.toFixed(3)} |`,
  );
}
