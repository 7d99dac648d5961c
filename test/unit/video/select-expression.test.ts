import fc from "fast-check";
import { expect, test } from "vitest";
import { selectExpression, wantedSpans } from "../../../src/video/ffmpeg/select-expression.ts";

/** Evaluates what ffmpeg would. */
const evaluate = (expression: string, pts: number): number => {
  const functions = {
    eq: (a: number, b: number) => Number(a === b),
    lt: (a: number, b: number) => Number(a < b),
    between: (x: number, a: number, b: number) => Number(x >= a && x <= b),
    choose: (test: number, yes: number, no: number) => (test !== 0 ? yes : no),
  };
  const names = Object.keys(functions);
  const run = new Function(...names, "pts", `return ${expression.replaceAll("if(", "choose(")}`);
  return run(...Object.values(functions), pts) as number;
};

test("the expression is true exactly for the wanted frames", () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(gaps, fc.infiniteStream(fc.boolean()), (distances, coin) => {
      let time = 0;
      const times = distances.map((gap) => (time += gap));
      const positions = times.map((_, i) => i).filter(() => coin.next().value);
      const spans = wantedSpans(
        positions.map((at) => times[at]!),
        positions,
      );
      const expression = selectExpression("pts", spans);
      const chosen = new Set(positions);
      times.forEach((pts, i) => {
        expect(evaluate(expression, pts)).toBe(Number(chosen.has(i)));
      });
    }),
    { numRuns: 50 },
  );
});
