import type { ReportModel } from "../evaluation/report/model.ts";
import type { Estimate } from "../evaluation/statistics/estimate.ts";

const shown = (estimate: Estimate | null | undefined): string => {
  if (!estimate) return "-";
  const [value, low, high] = [estimate.value, estimate.low, estimate.high].map((share) =>
    (100 * share).toFixed(1),
  );
  return `${value} [${low}, ${high}]`;
};

/** Accuracies and sensitivities of a report's rows, as lines. */
export const reportLines = ({ rows }: Pick<ReportModel, "rows">): string => {
  const width = Math.max(12, ...rows.map(({ name }) => name.length));
  const lines = rows.map(
    ({ name, complete, absent, sensitivity }) =>
      `${name.padEnd(width)}  complete ${shown(complete.overall).padEnd(20)} absent ${shown(absent?.overall).padEnd(20)} sensitivity ${shown(sensitivity?.overall)}`,
  );
  return `accuracy in per cent with 95 % intervals, clustered by clip\n${lines.join("\n")}`;
};
