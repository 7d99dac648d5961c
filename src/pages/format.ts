/** The ends of an interval. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Minus sign proper and a digit after the point: 12.3, -4.0. */
const oneDigit = (value: number): string => {
  const text = Math.abs(value).toFixed(1);
  return value < 0 && text !== "0.0" ? `−${text}` : text;
};

/** A share in [0, 1] as per cent with one digit, without the sign: "61.2". */
export const percent = (share: number): string => oneDigit(share * 100);

/** A difference of shares in points, with its sign: "+4.1", "−0.3". */
export const points = (difference: number): string =>
  `${difference > 0 && oneDigit(difference * 100) !== "0.0" ? "+" : ""}${oneDigit(difference * 100)}`;

/** An interval of shares in per cent: "58.1–64.3". */
export const percentRange = ({ low, high }: Range): string => `${percent(low)}–${percent(high)}`;

/** An interval of differences in points: "+1.2 to +7.0". */
export const pointsRange = ({ low, high }: Range): string => `${points(low)} to ${points(high)}`;

/** At most four significant digits, grouped thousands, no exponents for ordinary sizes. */
export const compactNumber = (value: number): string => {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2).replace("-", "−");
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 }).replace("-", "−");
};

/** A p-value as it is written in a sentence: "p < 0.001", "p = 0.040". */
export const pValue = (p: number): string =>
  p < 0.001 ? "p < 0.001" : `p = ${p < 0.1 ? p.toFixed(3) : p.toFixed(2)}`;

/** Round numbers from at or below `low` to at or above `high`, about `count` of them; steps are 1, 2 or 5 times a power of 10. */
export const niceTicks = (low: number, high: number, count: number): number[] => {
  const span = high > low ? high - low : Math.abs(low) || 1;
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Multiples of whole steps, so that 0.1 + 0.2 never shows as 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
};
