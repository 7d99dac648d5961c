import { expect, test } from "vitest";
import { clipPrint, printDistance } from "../../../src/dataset/clip-print.ts";
import { movingSquare } from "./print-fixture.ts";

const printOf = ({ frames, width, height }: ReturnType<typeof movingSquare>): string =>
  clipPrint(frames, width, height)!;

test("a copy that is smaller and noisier is near; another event before the same background is not", () => {
  const own = printOf(movingSquare(8, { scale: 2 }));
  const copy = printDistance(own, printOf(movingSquare(8, { noise: 4 })));
  expect(copy.look).toBeLessThan(0.1);
  expect(copy.change).toBeLessThan(0.5);
  const other = printDistance(own, printOf(movingSquare(40)));
  expect(other.change).toBeGreaterThan(0.5);
  expect(printDistance(own, printOf(movingSquare(8, { background: 2 }))).look).toBeGreaterThan(0.1);
  expect(printDistance(own, own)).toEqual({ look: 0, change: 0 });
});

test("a clip that shows nothing has no print, and prints of another form are far away", () => {
  const frames = Array.from({ length: 6 }, () => new Uint8Array(32 * 24 * 3).fill(80));
  expect(clipPrint(frames, 32, 24)).toBeUndefined();
  expect(printDistance("00", "00.00")).toEqual({ look: 1, change: 1 });
});
