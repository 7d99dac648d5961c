import { existsSync } from "node:fs";
import { join } from "node:path";
import { type SeedEffect, seedEffect } from "../../evaluation/statistics/seeds.ts";
import type { Curve } from "../../pages/line-chart.ts";
import type { ReproStudy } from "../../recipes/repro/study.ts";
import { readRun } from "../../runs/read-run.ts";
import { type Endpoint, endpointsOf, pairedValues } from "./endpoints.ts";
import { type Measures, readMeasures } from "./measures.ts";

/** One arm over its seeds; null where nothing was measured. */
export interface ArmResult {
  readonly arm: string;
  readonly title: string;
  readonly what: string;
  readonly seeds: readonly number[];
  readonly seconds: number;
  readonly steps: number;
  readonly endpoints: Readonly<Record<string, SeedEffect | null>>;
  /** Last value of a few metrics of training, mean over seeds. */
  readonly last: Readonly<Record<string, number>>;
}

/** One arm minus another one, on the seeds, clips and questions that both have. */
export interface ComparedArms {
  readonly of: string;
  readonly against: string;
  readonly endpoints: Readonly<Record<string, SeedEffect | null>>;
}

/** `results.json`: a study as far as it has come. */
export interface ReproResults {
  readonly schema: "videoperceiver/repro-results@1";
  readonly study: string;
  readonly question: string;
  readonly scale: {
    readonly trainClips: number;
    readonly testClips: number;
    readonly baseSteps: number;
    readonly forkSteps: number;
    readonly clipsPerStep: number;
    readonly grpoSteps: number;
    readonly rlShare: number;
    readonly threads: number;
    readonly seedsAsked: number;
  };
  /** Of training, over all arms and seeds. */
  readonly trainingSeconds: number;
  /** `seed/arm` that are still to do. */
  readonly missing: readonly string[];
  readonly endpoints: readonly { readonly key: string; readonly title: string; readonly what: string }[];
  readonly arms: readonly ArmResult[];
  readonly comparisons: readonly ComparedArms[];
  /** How RL went: means over the first and the last quarter of an arm's steps, over seeds too. */
  readonly reinforcement: readonly {
    readonly arm: string;
    readonly metrics: Readonly<Record<string, { readonly first: number; readonly last: number }>>;
  }[];
  readonly paper: ReproStudy["paper"];
}

/** Where one seed's runs and answers lie. */
export const seedFolder = (out: string, seed: number): string => join(out, `seed-${seed}`);

const bounds = [-1, 1] as const;
const loggedNames = ["heldOut.t2vSame", "heldOut.cosine", "validAnswers", "validAnswersInstructed"];

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const armResult = (
  arm: ReproStudy["arms"][number],
  found: readonly Measures[],
  endpoints: readonly Endpoint[],
): ArmResult => ({
  arm: arm.name,
  title: arm.title,
  what: arm.what,
  seeds: found.map(({ seed }) => seed),
  seconds: found.reduce((sum, { seconds }) => sum + seconds, 0),
  steps: found[0]?.steps ?? 0,
  endpoints: Object.fromEntries(
    endpoints.map((endpoint) => [endpoint.key, seedEffect(found.map(endpoint.values), { bounds })]),
  ),
  last: Object.fromEntries(
    loggedNames.flatMap((name) => {
      const values = found.flatMap(({ last }) => (last[name] === undefined ? [] : [last[name]]));
      return values.length === 0 ? [] : [[name, meanOf(values)]];
    }),
  ),
});

/** What is told of roll-outs: right answers on clip and twin, groups that teach nothing, what was learnt from. */
export const rolloutNames = [
  "quality",
  "qualityAbsent",
  "comparison",
  "sameQualityShare",
  "zeroVarianceShare",
  "positiveShare",
  "negativeShare",
  "entropy",
] as const;

/** Means of a metric over the first and the last quarter of the steps that logged it. */
export const quarters = (
  rows: readonly Readonly<Record<string, number>>[],
  name: string,
): { readonly first: number; readonly last: number } | undefined => {
  const values = rows.flatMap((row) => (Number.isFinite(row[name]) ? [row[name]!] : []));
  if (values.length === 0) return undefined;
  const count = Math.max(1, Math.floor(values.length / 4));
  return { first: meanOf(values.slice(0, count)), last: meanOf(values.slice(-count)) };
};

const reinforcementOf = (
  out: string,
  { name, train }: ReproStudy["arms"][number],
  seeds: readonly number[],
): ReproResults["reinforcement"] => {
  if (train?.kind !== "grpo") return [];
  const folders = seeds.map((seed) => join(seedFolder(out, seed), name));
  const logs = folders.filter((folder) => existsSync(folder)).map((folder) => readRun(folder).metrics);
  if (logs.length === 0) return [];
  const metrics = rolloutNames.flatMap((metric) => {
    const found = logs.flatMap((rows) => quarters(rows, metric) ?? []);
    if (found.length === 0) return [];
    const own = {
      first: meanOf(found.map(({ first }) => first)),
      last: meanOf(found.map(({ last }) => last)),
    };
    return [[metric, own] as const];
  });
  return [{ arm: name, metrics: Object.fromEntries(metrics) }];
};

/** A study's numbers from what was measured so far. */
export const studyResults = (out: string, study: ReproStudy, seeds: readonly number[]): ReproResults => {
  const endpoints = endpointsOf(study);
  const measured = new Map(
    study.arms.map(({ name }) => [
      name,
      seeds.map((seed) => readMeasures(seedFolder(out, seed), name)).filter((one) => one !== null),
    ]),
  );
  const compare = ([of, against]: readonly [string, string]): ComparedArms => ({
    of,
    against,
    endpoints: Object.fromEntries(
      endpoints.map((endpoint) => {
        const perSeed = measured.get(of)!.flatMap((one) => {
          const other = measured.get(against)!.find(({ seed }) => seed === one.seed);
          return other === undefined ? [] : [pairedValues(endpoint, one, other)];
        });
        return [endpoint.key, seedEffect(perSeed, { bounds })];
      }),
    ),
  });
  const { recipe, arms, comparisons, paper, name, question, rlShare } = study;
  return {
    schema: "videoperceiver/repro-results@1",
    study: name,
    question,
    scale: {
      trainClips: recipe.world.trainClips,
      testClips: recipe.world.testClips,
      baseSteps: recipe.sft.baseSteps,
      forkSteps: recipe.sft.forkSteps,
      clipsPerStep: recipe.sft.clipsPerStep,
      grpoSteps: recipe.grpo.steps,
      rlShare,
      threads: recipe.threads,
      seedsAsked: seeds.length,
    },
    trainingSeconds: [...measured.values()].flat().reduce((sum, { seconds }) => sum + seconds, 0),
    missing: seeds.flatMap((seed) =>
      arms
        .filter(({ name }) => !measured.get(name)!.some((one) => one.seed === seed))
        .map(({ name }) => `${seed}/${name}`),
    ),
    endpoints: endpoints.map(({ key, title, what }) => ({ key, title, what })),
    arms: arms.map((arm) => armResult(arm, measured.get(arm.name)!, endpoints)),
    comparisons: comparisons.map(compare),
    reinforcement: arms.flatMap((arm) =>
      reinforcementOf(
        out,
        arm,
        measured.get(arm.name)!.map(({ seed }) => seed),
      ),
    ),
    paper,
  };
};

/** Win rates while arms trained, of the first seed that has them. */
export const studyCurves = (out: string, study: ReproStudy, seeds: readonly number[]): Curve[] => {
  const series = (metric: string): Curve["series"] =>
    study.arms.flatMap(({ name, title, train, from }) => {
      if (train === null || from === null) return [];
      const seed = seeds.find((one) => readMeasures(seedFolder(out, one), name) !== null);
      if (seed === undefined) return [];
      const points = readRun(join(seedFolder(out, seed), name)).metrics.flatMap((row): [number, number][] => {
        const value = row[metric];
        return value === undefined || !Number.isFinite(value) ? [] : [[row.step, value]];
      });
      return points.length === 0 ? [] : [{ name: title, points }];
    });
  return [
    { title: "Next-token loss of the forks", yLabel: "nats", metric: "crossEntropy" },
    { title: "Held-out win rate while training", yLabel: "share", metric: "heldOut.win" },
    { title: "Quality of answers in RL", yLabel: "share right", metric: "quality" },
    { title: "Clip's answers above its twin's in RL", yLabel: "share right", metric: "comparison" },
    { title: "Groups of one quality in RL", yLabel: "share of groups", metric: "sameQualityShare" },
  ].flatMap(({ title, yLabel, metric }) => {
    const lines = series(metric);
    return lines.length === 0 ? [] : [{ title, xLabel: "step", yLabel, series: lines }];
  });
};
