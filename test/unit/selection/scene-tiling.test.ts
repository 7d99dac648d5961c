import { expect, test } from "vitest";
import { sceneTiling } from "../../../src/selection/scene-tiling.ts";
import { frameSelectors } from "../../../src/selection/selectors.ts";
import type { Timeline } from "../../../src/video/types.ts";

test("cuts stand where likeness falls deep below its peaks on both sides; the last place closes the list", () => {
  const similarity = [0.9, 0.95, 0.2, 0.9, 0.92, 0.91, 0.5, 0.93];
  // Depths by hand: .05+... only places 2 (0.95 + 0.92 - 0.4 = 1.47) and 6 (0.92 + 0.93 - 1 = 0.85) are deep.
  expect(sceneTiling(similarity, { deviations: 0.5, most: 15 })).toEqual([2, 6, 8]);
  expect(sceneTiling(similarity, { deviations: 0.5, most: 1 })).toEqual([2, 8]);
  expect(sceneTiling(similarity, { deviations: 10, most: 15 })).toEqual([8]);
  expect(sceneTiling([], { deviations: 0.5, most: 15 })).toEqual([0]);
  // Another scale and origin cut the same.
  expect(
    sceneTiling(
      similarity.map((one) => 100 * one - 7),
      { deviations: 0.5, most: 15 },
    ),
  ).toEqual([2, 6, 8]);
});

test("segments give a frame each before any gives two, long ones more", async () => {
  const { value } = await frameSelectors.make("segments");
  const timeline = Array.from({ length: 40 }, (_, index) => ({ index, timeSeconds: index / 10 }));
  const motion = timeline.map(({ index }) => (index === 4 ? 50 : index === 34 ? 40 : 1));
  const select = (budget: number): number[] =>
    value.select({ timeline: timeline as unknown as Timeline, durationSeconds: 4, budget, motion });
  // Segments 0..3, 4..33, 34..39.
  expect(select(3)).toEqual([2, 19, 37]);
  const six = select(6);
  expect(six.filter((at) => at >= 4 && at < 34).length).toBe(4);
  expect(select(1).length).toBe(1);
});
