import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { smartResize, videoPixelLimits } from "../../src/frames/smart-resize.ts";
import { chooseFrames, type FrameCountRequest } from "../../src/model/frame-count.ts";

interface Golden {
  readonly choices: readonly {
    readonly request: FrameCountRequest;
    readonly total: number;
    readonly fps: number;
    readonly result: { readonly sampleFps: number; readonly indices: readonly number[] } | null;
  }[];
  readonly sizes: readonly {
    readonly height: number;
    readonly width: number;
    readonly minPixels: number;
    readonly maxPixels: number;
    readonly result: readonly [number, number] | null;
  }[];
}

/** scripts/make-golden/qwen_frames.py */
const golden = JSON.parse(
  readFileSync(new URL("expected/qwen-vl-utils.json", import.meta.url), "utf8"),
) as Golden;

test.each(golden.choices)("frames of $total at $fps/s for $request", ({ request, total, fps, result }) => {
  // The reference refuses a single frame; here it is shown twice, as its processor does with a picture.
  if (result === null && total === 1) expect(chooseFrames(request, total, fps).indices).toEqual([0, 0]);
  else if (result === null) expect(() => chooseFrames(request, total, fps)).toThrow(/of a clip/);
  else {
    const made = chooseFrames(request, total, fps);
    expect(made.indices).toEqual(result.indices);
    expect(made.sampleFps).toBe(result.sampleFps);
  }
});

test("sizes", () => {
  for (const { result, ...picture } of golden.sizes) {
    if (result === null || result.includes(0))
      expect(() => smartResize(picture, picture, 28), JSON.stringify(picture)).toThrow(
        /picture|pixel limits/,
      );
    else
      expect(smartResize(picture, picture, 28), JSON.stringify(picture)).toEqual({
        height: result[0],
        width: result[1],
      });
  }
  expect(() => smartResize({ width: 0, height: 3 }, { minPixels: 1, maxPixels: 2 }, 28)).toThrow(
    /size of a picture/,
  );
  expect(() => smartResize({ width: 3, height: 3 }, { minPixels: 2, maxPixels: 1 }, 28)).toThrow(
    /pixel limits/,
  );
});

test("sizes are whole units within the limits wherever the reference accepts the picture", () => {
  const side = fc.integer({ min: 28, max: 3000 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 200_704, max: 12_845_056 }), (width, height, maxPixels) => {
      fc.pre(Math.max(width, height) / Math.min(width, height) < 60);
      const size = smartResize({ width, height }, { minPixels: 3136, maxPixels }, 28);
      expect([size.width % 28, size.height % 28]).toEqual([0, 0]);
      expect(size.width * size.height).toBeLessThanOrEqual(maxPixels);
    }),
  );
});

test("limits of a clip: defaults, the total shared by pairs, and never below 1.05 of the least", () => {
  // fetch_video of qwen-vl-utils 0.0.14, worked by hand
  expect(videoPixelLimits({}, 8, 28)).toEqual({ minPixels: 100_352, maxPixels: 602_112 });
  expect(videoPixelLimits({ max_pixels: 9_000_000 }, 8, 28).maxPixels).toBe(602_112);
  expect(videoPixelLimits({ max_pixels: 200_704 }, 8, 28).maxPixels).toBe(200_704);
  expect(videoPixelLimits({ total_pixels: 1_000_000 }, 10, 28).maxPixels).toBe(200_000);
  expect(videoPixelLimits({ total_pixels: 1000 }, 10, 28).maxPixels).toBe(105_369);
});
