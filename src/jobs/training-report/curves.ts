import { stageCurves } from "../../evaluation/report/curves.ts";
import type { Curve, CurveSeries } from "../../pages/line-chart.ts";
import type { StoredRun } from "../../runs/read-run.ts";
import { clockPrefix, type MetricsRow } from "../../runs/run-folder.ts";

/** A chart of metrics that are named or begin alike. */
interface ChartOf {
  readonly title: string;
  readonly yLabel: string;
  /** Metric -> its name in the legend; one that ends in "*" stands for all that begin so, named by the rest. */
  readonly metrics: Readonly<Record<string, string>>;
}

const before: readonly ChartOf[] = [
  {
    title: "Loss",
    yLabel: "its own unit, mostly nats",
    metrics: { loss: "training", "validation/loss": "held out" },
  },
  {
    title: "Do the pictures reach the model?",
    yLabel: "nats a token of the reference answers",
    metrics: {
      "looks/clip": "with the clip",
      "looks/hidden": "pictures hidden",
      "looks/other": "another clip's pictures",
    },
  },
];

const after: readonly ChartOf[] = [
  { title: "Losses that are added", yLabel: "share of the sum", metrics: { "loss.*": "" } },
  {
    title: "Gradient norm",
    yLabel: "L2, before clipping",
    metrics: { gradientNorm: "all", "gradientNorm/*": "" },
  },
  {
    title: "Learning rate",
    yLabel: "at the step",
    metrics: { learningRate: "", contrastLearningRate: "contrast" },
  },
  { title: "Speed", yLabel: "tokens a second", metrics: { [`${clockPrefix}tokensPerSecond`]: "" } },
  {
    title: "Waiting for data",
    yLabel: "share of a step",
    metrics: { [`${clockPrefix}waitingShare`]: "" },
  },
  { title: "Peak memory", yLabel: "MiB", metrics: { [`${clockPrefix}peakMemoryMiB`]: "" } },
];

const pointsOf = (rows: readonly MetricsRow[], metric: string): [number, number][] =>
  rows.flatMap((row): [number, number][] => {
    const value = row[metric];
    return value !== undefined && Number.isFinite(value) ? [[row.step, value]] : [];
  });

/** Metrics that a pattern stands for, with their names. */
const matching = (names: readonly string[], pattern: string, label: string): [string, string][] => {
  if (!pattern.endsWith("*")) return names.includes(pattern) ? [[pattern, label]] : [];
  const start = pattern.slice(0, -1);
  return names.filter((name) => name.startsWith(start)).map((name) => [name, name.slice(start.length)]);
};

const curveOf = ({ title, yLabel, metrics }: ChartOf, rows: readonly MetricsRow[]): Curve[] => {
  const names = [...new Set(rows.flatMap(Object.keys))];
  const series = Object.entries(metrics).flatMap(([pattern, label]) =>
    matching(names, pattern, label).map(
      ([name, own]): CurveSeries => ({ name: own || title, points: pointsOf(rows, name) }),
    ),
  );
  const drawn = series.filter(({ points }) => points.length > 0);
  return drawn.length === 0 ? [] : [{ title, yLabel, xLabel: "step", series: drawn }];
};

/** How the versions of a clip are called in a legend. */
const versions: Readonly<Record<string, string>> = {
  clip: "compared: with the clip",
  absent: "its absent twin",
  control: "as many other frames removed",
};

/** Whatever else was found out at the looks: a chart each, the versions of the clip together. */
const otherLooks = (rows: readonly MetricsRow[]): Curve[] => {
  const start = "validation/";
  const names = [...new Set(rows.flatMap(Object.keys))].filter(
    (name) => name.startsWith(start) && name !== "validation/loss",
  );
  const titles = [...new Set(names.map((name) => name.slice(start.length).split("/")[0]!))];
  return titles.flatMap((title) => {
    const own = names.filter((name) => name === start + title || name.startsWith(`${start}${title}/`));
    const label = (name: string): string => {
      const version = name.slice(start.length + title.length + 1);
      return version === "" ? (own.length > 1 ? "all questions" : "") : (versions[version] ?? version);
    };
    const metrics = Object.fromEntries(own.map((name) => [name, label(name)]));
    return curveOf({ title, yLabel: "held out", metrics }, rows);
  });
};

/** What a run logged, as charts; charts that nothing was logged for are left out. */
export const trainingCurves = (run: StoredRun): Curve[] => {
  const { metrics: rows, folder } = run;
  return [
    ...before.flatMap((chart) => curveOf(chart, rows)),
    ...otherLooks(rows),
    ...stageCurves([{ title: "training", folder, run }]).map((curve) => ({ ...curve, xLabel: "step" })),
    ...after.flatMap((chart) => curveOf(chart, rows)),
  ];
};
