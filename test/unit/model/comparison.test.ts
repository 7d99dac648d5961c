import { expect, test } from "vitest";
import { compareNumbers, compareShaped } from "../../../src/model/comparison.ts";
import { chooseFrames } from "../../../src/model/frame-count.ts";

test("differing shapes are told as shapes, equal numbers in another shape too", () => {
  const absolute = { absolute: 0 };
  const long = { shape: [2, 3], data: new Float32Array(6) };
  const other = compareShaped(long, { shape: [3, 2], data: new Float32Array(6) }, absolute);
  expect([other.pass, other.shapes]).toEqual([false, { expected: [2, 3], got: [3, 2] }]);
  expect(compareShaped(long, { ...long, data: new Float32Array(6) }, absolute)).toEqual({
    maxAbs: 0,
    maxRelative: 0,
    pass: true,
  });
  expect(compareNumbers([1, 2], [1], absolute).shapes).toEqual({ expected: [2], got: [1] });
});

test("a clip of one frame shows it twice, whatever is asked and whatever its rate", () => {
  expect(chooseFrames({}, 1, 25)).toEqual({ indices: [0, 0], sampleFps: 25 });
  expect(chooseFrames({ fps: 4 }, 1, 0).indices).toEqual([0, 0]);
  expect(chooseFrames({ nframes: 8 }, 1, 25).indices).toEqual([0, 0]);
});
