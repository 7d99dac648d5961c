import { describe, expect, test } from "vitest";
import { rangeOf, stretchKey, stretchOf } from "../../../src/evaluation/stretch.ts";
import { frameSelectors } from "../../../src/selection/selectors.ts";
import { timelineFromTimes } from "../../../src/video/timeline.ts";
import type { VideoInfo } from "../../../src/video/types.ts";
import { sampleOf } from "../../contract/sample-fixture.ts";

/** 60 s at 10 frames a second. */
const timeline = timelineFromTimes(Array.from({ length: 600 }, (_, i) => i / 10));
const info = { file: "a.mp4", timeline, durationSeconds: 60 } as unknown as VideoInfo;
const stretch = (startSeconds: number, endSeconds: number): VideoInfo =>
  stretchOf(info, { startSeconds, endSeconds });

describe("a stretch of a clip", () => {
  test("frames are spread over the stretch, by every selector, and are indices of the whole clip", async () => {
    for (const name of frameSelectors.names()) {
      const { value } = await frameSelectors.make(name);
      const { timeline: own, durationSeconds } = stretch(20, 30);
      const frames = value.select({ timeline: own, durationSeconds, budget: 8, motion: own.map(() => 1) });
      expect(frames.every((frame) => frame >= 200 && frame < 300)).toBe(true);
      expect(frames.length, name).toBeGreaterThanOrEqual(7);
      // The middles of eight parts lie over 8 s apart; a selector that believes in the whole clip's length gives ends only.
      expect(frames.at(-1)! - frames[0]!, name).toBeGreaterThan(60);
    }
    const { value: uniform } = await frameSelectors.make("uniform");
    const { timeline: own, durationSeconds } = stretch(20, 30);
    expect(uniform.select({ timeline: own, durationSeconds, budget: 5 })).toEqual([210, 230, 250, 270, 290]);
  });
  test("begins with the frame that is shown at its start, ends before its end, and with the clip", () => {
    expect(stretch(1.55, 1.7).timeline).toEqual([
      { index: 15, timeSeconds: 0 },
      { index: 16, timeSeconds: expect.closeTo(0.1, 9) },
    ]);
    expect(stretch(59.95, 99).timeline.map(({ index }) => index)).toEqual([599]);
    expect(stretch(50, 99).durationSeconds).toBeCloseTo(10, 9);
  });
  test.each([
    [30, 20],
    [20, 20],
    [60, 70],
    [-3, 0],
  ])("from %d to %d s is none, and the fault says so", (start, end) => {
    expect(() => stretch(start, end)).toThrow(
      `the question is about a stretch that the clip does not have; expected start before end, within 0 to 60.00 s; got ${start} to ${end} s`,
    );
  });
  test("is the sample's own, or what its message says of the video", () => {
    const sample = sampleOf("a#1", 50, null);
    expect(rangeOf(sample)).toBeUndefined();
    const content = [{ type: "video", video: "a.mp4", video_start: 3 }] as const;
    const said = { ...sample, messages: [{ role: "user", content }] } as const;
    expect(rangeOf(said)).toEqual({ startSeconds: 3, endSeconds: Number.POSITIVE_INFINITY });
    const own = { startSeconds: 1, endSeconds: 2 };
    expect(rangeOf({ ...said, range: own })).toEqual(own);
    expect(stretchKey("a", said)).not.toBe(stretchKey("a", { ...said, range: own }));
  });
});
