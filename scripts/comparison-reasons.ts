/**
 * What of a finished `repro ablations` says why comparison does not raise sensitivity: which questions need the moment at
 * all, which of them comparison rewards, how many groups teach something, and whether the curves of RL rise more than those
 * of an arm that learns nothing, on the same prompts.
 *
 * Run: node scripts/comparison-reasons.ts STUDY [--seed 1]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readMeasures } from "../src/jobs/repro/measures.ts";
import { quarters, seedFolder } from "../src/jobs/repro/results.ts";
import { readRollouts, readRun } from "../src/runs/read-run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "1" }, base: { type: "string", default: "detected" } },
});
const [study] = positionals;
if (study === undefined) throw new Error("name the folder of a study");
const folder = seedFolder(study, Number(values.seed));

/** Mean and half of its 95 % interval. */
const estimate = (numbers: readonly number[]): { readonly mean: number; readonly half: number } => {
  const mean = numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const squares = numbers.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return { mean, half: 1.96 * Math.sqrt(squares / (numbers.length - 1) / numbers.length) };
};
/** What is asked, by the last word of a sample's name: `world-1-003879-when`. */
const kindOf = (sampleId: string): string => sampleId.slice(sampleId.lastIndexOf("-") + 1);
const shown = (share: number): string => (100 * share).toFixed(1);

const measured = readMeasures(folder, values.base);
if (measured === null) throw new Error(`${values.base} is not measured`);
const kinds = Map.groupBy(
  measured.asked.filter(
    ({ aboutEvent, absent, control }) => aboutEvent && absent !== null && control !== null,
  ),
  ({ question }) => kindOf(question),
);
const rollouts = readRollouts(join(folder, "rl-comparative"));
const rewarded = new Map<string, number>();
let all = 0;
for (const { sampleId, complete } of rollouts) {
  const count = complete.filter(({ advantages }) => (advantages?.["total"] ?? 0) > 0).length;
  rewarded.set(kindOf(sampleId), (rewarded.get(kindOf(sampleId)) ?? 0) + count);
  all += count;
}
console.log(
  "question | asked | clip | other frames frozen | without the event | sensitivity | of all rewarded completions",
);
for (const [kind, asked] of [...kinds].sort((a, b) => b[1].length - a[1].length)) {
  const { mean, half } = estimate(asked.map(({ absent, control }) => control! - absent!));
  const right = [
    asked.map(({ complete }) => complete),
    asked.map(({ control }) => control!),
    asked.map(({ absent }) => absent!),
  ];
  const cells = right.map((numbers) => shown(estimate(numbers).mean));
  const range = `${shown(mean)} (${shown(mean - half)} to ${shown(mean + half)})`;
  console.log([kind, asked.length, ...cells, range, shown((rewarded.get(kind) ?? 0) / all)].join(" | "));
}

const arms = ["rl-comparative", "rl-accuracy", "rl-plain"];
const logs = new Map(arms.map((arm) => [arm, readRun(join(folder, arm)).metrics]));
const told = [
  "quality",
  "qualityAbsent",
  "comparison",
  "sameQualityShare",
  "zeroVarianceShare",
  "positiveShare",
  "kl",
];
console.log("\nfirst quarter of the steps and last | " + told.join(" | "));
for (const [arm, rows] of logs) {
  const cells = told.map((name) => {
    const own = quarters(rows, name);
    return own === undefined ? "–" : `${own.first.toFixed(3)} → ${own.last.toFixed(3)}`;
  });
  console.log([arm, ...cells].join(" | "));
}
console.log("\nminus rl-plain on the same prompts, second half of the steps");
const plain = logs.get("rl-plain")!;
for (const arm of arms.slice(0, 2))
  for (const name of ["quality", "comparison"]) {
    const rows = logs.get(arm)!;
    const gaps = rows.map((row, i) => Number(row[name]) - Number(plain[i]![name])).slice(rows.length / 2);
    const { mean, half } = estimate(gaps);
    console.log(
      `${arm} ${name}: ${(100 * mean).toFixed(1)} points (${(100 * (mean - half)).toFixed(1)} to ${(100 * (mean + half)).toFixed(1)})`,
    );
  }
