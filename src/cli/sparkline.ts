const blocks = "▁▂▃▄▅▆▇█";

/** Means of neighbouring values, as many as there is room for. */
const binned = (values: readonly number[], width: number): number[] =>
  values.length <= width
    ? [...values]
    : Array.from({ length: width }, (_, bin) => {
        const [from, to] = [bin, bin + 1].map((edge) => Math.floor((edge * values.length) / width));
        const own = values.slice(from, to);
        return own.reduce((sum, value) => sum + value, 0) / own.length;
      });

/**
 * Values as a line of blocks from their least (lowest) to their largest; values that are no numbers are left out.
 *
 * @param width characters at most; more values are averaged
 */
export const sparkline = (values: readonly number[], width: number): string => {
  const bins = binned(
    values.filter((value) => Number.isFinite(value)),
    width,
  );
  const [low, high] = [Math.min(...bins), Math.max(...bins)];
  const level = (value: number): number =>
    high > low ? Math.round(((value - low) / (high - low)) * (blocks.length - 1)) : 3;
  return bins.map((value) => blocks[level(value)]).join("");
};
