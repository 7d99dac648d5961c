import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { frameSelectors } from "../../src/selection/selectors.ts";
import type { Timeline } from "../../src/video/types.ts";

const timelines = fc
  .array(fc.double({ min: 0.001, max: 0.5, noNaN: true }), { minLength: 1, maxLength: 120 })
  .map((gaps) => {
    let time = -gaps[0]!;
    const timeline = gaps.map((gap, index) => {
      time += gap;
      return { index, timeSeconds: time };
    });
    return { timeline: timeline as unknown as Timeline, durationSeconds: time + gaps[0]! };
  });

describe.each(frameSelectors.names())("selector %s", (name) => {
  it("gives ascending unique indices of the clip within budget, at least one, always the same", async () => {
    const { value: selector } = await frameSelectors.make(name);
    fc.assert(
      fc.property(timelines, fc.integer({ min: 1, max: 64 }), (clip, budget) => {
        // What changes from frame to frame; runs of rest among it.
        const motion = clip.timeline.map((_, at) => (at % 7 < 3 ? 0 : (at * 37) % 11));
        const request = { ...clip, budget, motion };
        const chosen = selector.select(request);
        expect(chosen.length).toBeGreaterThan(0);
        expect(chosen.length).toBeLessThanOrEqual(budget);
        chosen.forEach((index, at) => {
          expect(Number.isInteger(index) && index >= 0 && index < clip.timeline.length).toBe(true);
          if (at > 0) expect(index).toBeGreaterThan(chosen[at - 1]!);
        });
        expect(selector.select(request)).toEqual(chosen);
        const drawn = selector.select({ ...request, random: seededRandom(budget, "selector") });
        expect(selector.select({ ...request, random: seededRandom(budget, "selector") })).toEqual(drawn);
        expect(drawn.length > 0 && drawn.length <= budget && new Set(drawn).size === drawn.length).toBe(true);
      }),
    );
  });

  it("describes itself and refuses unknown parameters", async () => {
    expect((await frameSelectors.load(name)).summary.length).toBeGreaterThan(10);
    await expect(frameSelectors.make(name, { nonsense: 1 })).rejects.toThrow(
      "bad parameters for frame selector",
    );
  });
});
