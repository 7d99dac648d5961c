import type { Curve, CurveSeries } from "../../pages/line-chart.ts";
import type { StoredStage } from "./read-evaluated-run.ts";

/** A chart of what stages log under these names: one line a stage, or one a name where a stage has several. */
interface ChartOf {
  readonly title: string;
  readonly yLabel: string;
  readonly metrics: Readonly<Record<string, string>>;
}

const charts: readonly ChartOf[] = [
  { title: "Next-token loss", yLabel: "nats", metrics: { crossEntropy: "" } },
  {
    title: "Contrastive losses at the chosen block",
    yLabel: "nats",
    metrics: { v2v: "video to video", t2v: "text to video", v2t: "video to text" },
  },
  {
    title: "Held-out clips: text nearer to the clip",
    yLabel: "share of clips",
    metrics: { "heldOut.win": "than to its twin", "heldOut.winFrozen": "than to a frozen control" },
  },
  {
    title: "Probability of a valid answer on held-out clips",
    yLabel: "probability",
    metrics: { validAnswers: "bare question", validAnswersInstructed: "with the refeed's instruction" },
  },
  {
    title: "Quality of answers in RL",
    yLabel: "share right",
    metrics: {
      quality: "complete clip",
      qualityAbsent: "absent twin",
      baseline: "moving baseline of the difference",
    },
  },
  {
    title: "Refeed",
    yLabel: "share of pairs",
    metrics: { exhaustedShare: "exhausted", rescuedShare: "rescued by a refeed" },
  },
  { title: "Clip-text contrast of the relevance encoder", yLabel: "nats", metrics: { contrast: "" } },
];

const pointsOf = ({ run }: StoredStage, metric: string): [number, number][] =>
  run.metrics.flatMap((row): [number, number][] => {
    const value = row[metric];
    return value !== undefined && Number.isFinite(value) ? [[row.step, value]] : [];
  });

/** What the stages logged, as charts; charts that nothing was logged for are left out. */
export const stageCurves = (stages: readonly StoredStage[]): Curve[] =>
  charts.flatMap(({ title, yLabel, metrics }) => {
    const logged = stages.flatMap((stage) =>
      Object.entries(metrics).flatMap(([metric, label]) => {
        const points = pointsOf(stage, metric);
        return points.length === 0 ? [] : [{ stage: stage.title, label, points }];
      }),
    );
    const isOneStage = new Set(logged.map(({ stage }) => stage)).size < 2;
    const series = logged.map(
      ({ stage, label, points }): CurveSeries => ({
        name: label === "" ? stage : isOneStage ? label : `${stage}, ${label}`,
        points,
      }),
    );
    return series.length === 0 ? [] : [{ title, xLabel: "step of the stage", yLabel, series }];
  });
