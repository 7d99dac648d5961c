/**
 * What of a finished `repro ablations` says why comparison does not raise sensitivity: which questions need the moment at
 * all, which of them comparison rewards, how many groups teach something, whether the curves of RL rise more than those
 * of an arm that learns nothing, on the same prompts, and what RL changed against where it began. Intervals are 95 %, Student's, over seeds.
 *
 * Run: node scripts/comparison-reasons.ts STUDY [--seeds 5]
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { seedEffect } from "../src/evaluation/statistics/seeds.ts";
import { type AskedQuestion, readMeasures } from "../src/jobs/repro/measures.ts";
import { quarters, seedFolder } from "../src/jobs/repro/results.ts";
import { meanOf } from "../src/objectives/group-statistics.ts";
import { readRollouts, readRun } from "../src/runs/read-run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: "string", default: "5" } },
});
const [study] = positionals;
if (study === undefined) throw new Error("name the folder of a study");
const folders = Array.from({ length: Number(values.seeds) }, (_, i) => seedFolder(study, i + 1));
const origin = "detected";
const arms = ["rl-comparative", "rl-accuracy", "rl-plain"];

/** Points of one number a seed: their mean and its interval. */
const points = (numbers: readonly number[]): string => {
  const { value, low, high } = seedEffect(numbers.map((one, seed) => [{ value: one, cluster: `${seed}` }]))!;
  return [value, low, high].map((one) => (100 * one).toFixed(1)).join(" ");
};
const askedOf = (folder: string, arm: string): readonly AskedQuestion[] => {
  const measured = readMeasures(folder, arm);
  if (measured === null) throw new Error(`${arm} is not measured in ${folder}`);
  return measured.asked;
};
/** What is asked, by the last word of a sample's name: `world-1-003879-when`. */
const kindOf = (sampleId: string): string => sampleId.slice(sampleId.lastIndexOf("-") + 1);

/** Event questions of a seed that were asked in all three ways, by kind. */
const kinds = folders.map((folder) =>
  Map.groupBy(
    askedOf(folder, origin).filter((one) => one.aboutEvent && one.absent !== null && one.control !== null),
    ({ question }) => kindOf(question),
  ),
);
/** The kind of every completion of Comparative GRPO that has an advantage above 0. */
const rewarded = folders.map((folder) =>
  readRollouts(join(folder, "rl-comparative")).flatMap(({ sampleId, complete }) =>
    complete.filter(({ advantages }) => (advantages?.["total"] ?? 0) > 0).map(() => kindOf(sampleId)),
  ),
);
console.log("question | asked | clip | frozen elsewhere | without the event | sensitivity | of all rewarded");
for (const kind of kinds[0]!.keys()) {
  const asked = kinds.map((own) => own.get(kind) ?? []);
  const right = (what: "complete" | "control" | "absent"): string =>
    (100 * meanOf(asked.map((some) => meanOf(some.map((one) => one[what]!))))).toFixed(1);
  const gains = asked.map((some) => meanOf(some.map(({ control, absent }) => control! - absent!)));
  const share = meanOf(rewarded.map((own) => own.filter((one) => one === kind).length / own.length));
  const cells = [
    right("complete"),
    right("control"),
    right("absent"),
    points(gains),
    (100 * share).toFixed(1),
  ];
  console.log([kind, asked.flat().length, ...cells].join(" | "));
}

const logs = (arm: string): ReturnType<typeof readRun>["metrics"][] =>
  folders.map((folder) => readRun(join(folder, arm)).metrics);
const told = [
  "quality",
  "qualityAbsent",
  "comparison",
  "sameQualityShare",
  "zeroVarianceShare",
  "positiveShare",
  "kl",
];
console.log(`\nfirst quarter of the steps and last | ${told.join(" | ")}`);
for (const arm of arms) {
  const cells = told.map((name) => {
    const own = logs(arm).map((rows) => quarters(rows, name)!);
    return `${meanOf(own.map(({ first }) => first)).toFixed(3)} → ${meanOf(own.map(({ last }) => last)).toFixed(3)}`;
  });
  console.log([arm, ...cells].join(" | "));
}

console.log("\npoints above rl-plain on the same prompts, second half of the steps");
const plain = logs("rl-plain");
for (const arm of arms.slice(0, 2))
  for (const name of ["quality", "comparison"]) {
    const gaps = logs(arm).map((rows, seed) =>
      meanOf(rows.map((row, i) => Number(row[name]) - Number(plain[seed]![i]![name])).slice(rows.length / 2)),
    );
    console.log(`${arm} ${name}: ${points(gaps)}`);
  }

console.log(`\npoints above ${origin}, where they began, on held-out clips`);
for (const arm of arms)
  for (const about of ["event questions", "all questions"]) {
    const share = (folder: string, name: string): number =>
      meanOf(
        askedOf(folder, name)
          .filter(({ aboutEvent }) => aboutEvent || about === "all questions")
          .map(({ complete }) => complete),
      );
    console.log(
      `${arm}, ${about}: ${points(folders.map((folder) => share(folder, arm) - share(folder, origin)))}`,
    );
  }
