import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frameIndexRules } from "../../src/model/frame-index-rules.ts";
import { chooseFrames, type FrameRequest } from "../../src/model/qwen2_5_vl/frame-count.ts";
import { roundHalfEven } from "../../src/model/qwen2_5_vl/python-numbers.ts";
import { smartResize, videoPixelLimits } from "../../src/model/qwen2_5_vl/smart-resize.ts";

interface Golden {
  readonly choices: readonly {
    readonly request: FrameRequest;
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
  if (result === null) expect(() => chooseFrames(request, total, fps)).toThrow(/of a clip/);
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

describe("rules of other harnesses", () => {
  // notes on benchmarks, section 1.2: each was run with the harness's own code
  const rows: [string, number, number, readonly number[]][] = [
    ["linspace_trunc", 8, 100, [0, 14, 28, 42, 56, 70, 84, 99]],
    ["linspace_trunc", 8, 250, [0, 35, 71, 106, 142, 177, 213, 249]],
    ["linspace_trunc", 4, 10, [0, 3, 6, 9]],
    ["vk_inner", 8, 100, [11, 22, 33, 44, 55, 66, 77, 88]],
    ["vk_inner", 8, 250, [27, 55, 83, 111, 138, 166, 194, 222]],
    ["vk_inner", 4, 10, [2, 4, 6, 8]],
    ["mvbench_segment", 8, 100, [6, 18, 31, 43, 56, 68, 80, 93]],
    ["mvbench_segment", 8, 250, [15, 46, 77, 108, 139, 171, 202, 233]],
    ["mvbench_segment", 4, 10, [1, 3, 5, 8]],
    ["vru_arange", 8, 100, [0, 12, 25, 37, 50, 62, 75, 87]],
    ["vru_arange", 8, 250, [0, 31, 62, 93, 125, 156, 187, 218]],
    ["vru_arange", 4, 10, [0, 2, 5, 7]],
  ];
  test.each(rows)("%s, %d of %d", (rule, count, totalFrames, expected) => {
    expect(frameIndexRules[rule]!({ totalFrames }, count)).toEqual(expected);
  });
  test("with a range or a rate", () => {
    const bound = { totalFrames: 300, fps: 30, startSeconds: 2, endSeconds: 5 };
    expect(frameIndexRules["mvbench_segment"]!(bound, 8)).toEqual([65, 76, 87, 99, 110, 121, 133, 144]);
    const lvb = frameIndexRules["lvb"]!;
    expect(lvb({ totalFrames: 900, fps: 30 }, 4)).toEqual([0, 225, 450, 675]);
    expect(lvb({ totalFrames: 300, fps: 29.97, durationSeconds: 10.01 }, 16)).toEqual([
      0, 29, 58, 87, 116, 145, 174, 203, 232, 261,
    ]);
    expect(() => lvb({ totalFrames: 300 }, 16)).toThrow(/rule lvb; expected the clip's frame rate/);
  });
  test("every index lies within the clip, in order", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(frameIndexRules)),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 64 }),
        (rule, totalFrames, count) => {
          const made = frameIndexRules[rule]!({ totalFrames, fps: 25 }, count);
          made.forEach((index, at) => {
            expect(index).toBeGreaterThanOrEqual(made[at - 1] ?? 0);
            expect(index).toBeLessThan(totalFrames);
          });
        },
      ),
    );
  });
  test("halves go to the even neighbour", () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, 0, -2, 2, 3]);
  });
});
