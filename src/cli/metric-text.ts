import type { MetricScore } from "../evaluation/score.ts";
import type { Estimate } from "../evaluation/statistics/estimate.ts";

/** A share in per cent without its sign; "-" for none. */
export const percentOf = (share: number | null, digits = 1): string =>
  share === null ? "-" : (share * 100).toFixed(digits);

/** A number with so many digits that mean something, written without a power of ten up to 10^21: "170", "0.12". */
export const rounded = (value: number, digits: number): string => String(Number(value.toPrecision(digits)));

/** A share with its interval, in per cent. */
export const withInterval = ({ value, low, high }: Estimate, digits = 1): string =>
  `${percentOf(value, digits)} (${percentOf(low, digits)}-${percentOf(high, digits)})`;

/** A metric's value with its interval: shares in per cent, numbers as they are. */
export const metricText = ({
  unit,
  digits,
  value,
}: Pick<MetricScore, "unit" | "digits" | "value">): string => {
  if (value === null) return "not defined";
  if (unit === "share") return withInterval(value, digits);
  const [middle, low, high] = [value.value, value.low, value.high].map((one) => one.toFixed(digits));
  return `${middle} (${low}-${high}), not in per cent`;
};
