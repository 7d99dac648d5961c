import { describe, expect, test } from "vitest";
import { orientationOf } from "../../../src/video/orientation.ts";

const one = 65536;
const w = 1 << 30;

describe("orientationOf", () => {
  test.each([
    ["upright", [one, 0, 0, 0, one, 0, 0, 0, w], 0, []],
    ["turned clockwise", [0, one, 0, -one, 0, 0, 0, 0, w], 90, ["transpose=clock"]],
    ["upside down", [-one, 0, 0, 0, -one, 0, 0, 0, w], 180, ["hflip", "vflip"]],
    ["turned back", [0, -one, 0, one, 0, 0, 0, 0, w], 270, ["transpose=cclock"]],
    ["mirrored", [-one, 0, 0, 0, one, 0, 0, 0, w], 180, ["hflip"]],
    ["on its head in a mirror", [one, 0, 0, 0, -one, 0, 0, 0, w], 0, ["vflip"]],
    ["turned and mirrored", [0, one, 0, one, 0, 0, 0, 0, w], 90, ["transpose=cclock_flip"]],
  ] as const)("%s", (_, matrix, rotation, filters) => {
    const made = orientationOf([...matrix]);
    expect(made.rotation).toBe(rotation);
    expect(made.filters).toEqual(filters);
    expect(made.swapsSides).toBe(rotation % 180 === 90);
  });
  test("no matrix, a short one and an empty one mean upright", () => {
    for (const matrix of [undefined, [1, 2], new Array<number>(9).fill(0)])
      expect(orientationOf(matrix).rotation).toBe(0);
  });
  test("says when it rounded an angle", () => {
    const angle = Math.PI / 5;
    const [cos, sin] = [Math.round(Math.cos(angle) * one), Math.round(Math.sin(angle) * one)];
    expect(orientationOf([cos, sin, 0, -sin, cos, 0, 0, 0, w]).rounded).toBe(true);
  });
});
