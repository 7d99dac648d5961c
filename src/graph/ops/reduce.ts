import { elementCount, type Value } from "../value.ts";
import { allAxes, maxKeep, reshape, sumKeep } from "./broadcast.ts";
import { add, exp, log, mul, scale, sub } from "./elementwise.ts";
import { stopGradient } from "./inputs.ts";

/** Sum over `axes` (default: all), which are dropped. */
export const sum = (x: Value, axes: readonly number[] = allAxes(x)): Value =>
  reshape(
    sumKeep(x, axes),
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );

/** Mean over `axes` (default: all), which are dropped. */
export const mean = (x: Value, axes: readonly number[] = allAxes(x)): Value =>
  scale(sum(x, axes), 1 / elementCount(axes.map((axis) => x.shape[axis]!)));

/** log(sum(exp(x))) along the last axis, which is dropped; stable for any magnitude. */
export const logSumExp = (x: Value): Value => {
  const axis = x.shape.length - 1;
  const top = stopGradient(maxKeep(x, [axis]));
  const total = log(sumKeep(exp(sub(x, top)), [axis]));
  return reshape(add(total, top), x.shape.slice(0, -1));
};

/** Sum over the last axis of a * b, which is dropped: the inner product of rows. */
export const rowDot = (a: Value, b: Value): Value => sum(mul(a, b), [a.shape.length - 1]);
