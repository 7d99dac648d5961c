/**
 * Precision and recall of the offline keyword extractor on the committed captions, per half; `--errors` lists what
 * went wrong in the tuning half only, so that the held-out half stays unseen while rules are written.
 * Run: node scripts/keyword-accuracy.ts [--errors]
 */
import { captionActions } from "../src/absent/language/caption-actions.ts";
import { installedWordNet } from "../src/absent/language/wordnet.ts";
import { readJsonLines } from "../src/core/files.ts";

interface Row {
  readonly caption: string;
  readonly keywords: readonly { readonly action: string; readonly object?: string }[];
  readonly half: "tuning" | "held-out";
}

const counts = new Map<string, { hit: number; said: number; gold: number; captions: number }>();
const add = (key: string, said: readonly string[], gold: readonly string[]): void => {
  const count = counts.get(key) ?? { hit: 0, said: 0, gold: 0, captions: 0 };
  const left = [...gold];
  for (const item of said) {
    const at = left.indexOf(item);
    if (at >= 0) {
      left.splice(at, 1);
      count.hit++;
    }
  }
  count.said += said.length;
  count.gold += gold.length;
  count.captions++;
  counts.set(key, count);
};

const wordNet = installedWordNet();
for await (const item of readJsonLines(new URL("../test/data/captions.jsonl", import.meta.url).pathname)) {
  const row = item as Row;
  const said = captionActions(row.caption, wordNet);
  const text = ({ action, object }: { action: string; object?: string }): string =>
    `${action} ${object ?? ""}`.trim();
  const saidActions = said.map(({ action }) => action);
  const goldActions = row.keywords.map(({ action }) => action);
  add(`${row.half}: action`, saidActions, goldActions);
  add(`${row.half}: action with object`, said.map(text), row.keywords.map(text));
  const wrong = said.map(text).sort().join(", ") !== row.keywords.map(text).sort().join(", ");
  if (process.argv.includes("--errors") && row.half === "tuning" && wrong)
    console.log(
      `${row.caption}\n   said ${said.map(text).join(", ")}\n   gold ${row.keywords.map(text).join(", ")}`,
    );
}
console.log("| half: what | captions | precision | recall | F1 |\n|---|---|---|---|---|");
for (const [key, { hit, said, gold, captions }] of [...counts].sort(([a], [b]) => (a < b ? 1 : -1))) {
  const precision = hit / said;
  const recall = hit / gold;
  const f1 = (2 * precision * recall) / (precision + recall);
  console.log(`| ${key} | ${captions} | ${precision.toFixed(3)} | ${recall.toFixed(3)} | ${f1.toFixed(3)} |`);
}
