/** More leaves than this make a command line too long; then everything is decoded and the rest thrown away. */
export const mostLeaves = 1500;

/** Spans of values that are wanted, joined where nothing unwanted lies between. */
export interface WantedSpan {
  readonly from: number;
  readonly to: number;
}

/** Joins neighbours: `values` ascending, `positions[i]` the place of value i in the list of all values. */
export const wantedSpans = (values: readonly number[], positions: readonly number[]): WantedSpan[] => {
  const spans: { from: number; to: number }[] = [];
  values.forEach((value, i) => {
    const last = spans.at(-1);
    if (last !== undefined && positions[i]! === positions[i - 1]! + 1) last.to = value;
    else spans.push({ from: value, to: value });
  });
  return spans;
};

/**
 * An FFmpeg expression that is 1 for values of `variable` in the spans: a binary tree, because a sum of more than 100
 * terms is refused.
 */
export const selectExpression = (variable: string, spans: readonly WantedSpan[]): string => {
  const first = spans[0];
  if (first === undefined) return "0";
  if (spans.length === 1) {
    if (first.from === first.to) return `eq(${variable},${first.from})`;
    return `between(${variable},${first.from},${first.to})`;
  }
  const middle = spans.length >> 1;
  const below = selectExpression(variable, spans.slice(0, middle));
  const above = selectExpression(variable, spans.slice(middle));
  return `if(lt(${variable},${spans[middle]!.from}),${below},${above})`;
};
