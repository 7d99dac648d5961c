import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { basinOf } from "../../../src/selection/basin.ts";
import { keyFramesOf, prominenceOf, smoothed, strictLocalMaxima } from "../../../src/selection/peaks.ts";

/** The definition, frame by frame: equal neighbours are walked over, outside lies minus infinity. */
const naiveMaxima = (scores: readonly number[]): number[] => {
  if (scores.length > 1 && scores.every((score) => score === scores[0])) return [];
  const at = (i: number): number => scores[i] ?? Number.NEGATIVE_INFINITY;
  return scores.flatMap((score, i) => {
    if (at(i - 1) === score) return [];
    let after = i;
    while (after < scores.length && at(after) === score) after++;
    return at(i - 1) < score && at(after) < score ? [i] : [];
  });
};

const naiveProminence = (scores: readonly number[], peak: number): number => {
  const height = scores[peak]!;
  const sides = [scores.slice(0, peak).reverse(), scores.slice(peak + 1)].flatMap((side) => {
    const end = side.findIndex((score) => score > height);
    const part = end < 0 ? side : side.slice(0, end);
    return part.length === 0 ? [] : [Math.min(...part)];
  });
  return sides.length === 0 ? 0 : height - Math.max(...sides);
};

const curves = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 40 });

describe("strict local maxima", () => {
  it.each([
    { scores: [0.1, 0.5, 0.2, 0.2, 0.9], key: [1, 4] },
    { scores: [0.9, 0.1, 0.3], key: [0, 2] },
    { scores: [0.3, 0.3, 0.3], key: [] },
    { scores: [0.1, 0.4, 0.4, 0.2], key: [1] },
    { scores: [0.7], key: [0] },
    { scores: [], key: [] },
    { scores: [2, 2, 1, 3, 3], key: [0, 3] },
  ])("finds $key in $scores", ({ scores, key }) => {
    expect(strictLocalMaxima(scores)).toEqual(key);
  });

  it("agrees with the definition on arbitrary curves with many ties", () => {
    fc.assert(
      fc.property(curves, (scores) => {
        expect(strictLocalMaxima(scores)).toEqual(naiveMaxima(scores));
      }),
    );
  });

  it("is never adjacent, so a predecessor is never itself key", () => {
    fc.assert(
      fc.property(curves, (scores) => {
        const peaks = strictLocalMaxima(scores);
        for (let i = 1; i < peaks.length; i++) expect(peaks[i]! - peaks[i - 1]!).toBeGreaterThan(1);
      }),
    );
  });

  it("takes no NaN for a maximum", () => {
    expect(strictLocalMaxima([Number.NaN, 1, Number.NaN])).toEqual([1]);
    expect(strictLocalMaxima([Number.NaN])).toEqual([]);
  });
});

describe("options", () => {
  it("without options is the paper's rule", () => {
    fc.assert(
      fc.property(curves, (scores) => {
        expect(keyFramesOf(scores)).toEqual(naiveMaxima(scores));
      }),
    );
  });

  it("only ever removes maxima of the smoothed curve, in order", () => {
    const options = fc.record(
      {
        smoothingFrames: fc.constantFrom(1, 3, 5),
        prominence: fc.integer({ min: 0, max: 4 }),
        prominenceShare: fc.double({ min: 0, max: 1, noNaN: true }),
        floor: fc.integer({ min: 0, max: 6 }),
        topK: fc.integer({ min: 0, max: 5 }),
        topShare: fc.double({ min: 0, max: 1, noNaN: true }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(curves, options, (scores, chosen) => {
        const curve = smoothed(scores, chosen.smoothingFrames ?? 1);
        const all = strictLocalMaxima(curve);
        const keys = keyFramesOf(scores, chosen);
        expect(keys).toEqual(all.filter((peak) => keys.includes(peak)));
        if (chosen.topK !== undefined) expect(keys.length).toBeLessThanOrEqual(chosen.topK);
        for (const key of keys) {
          if (chosen.floor !== undefined) expect(curve[key]).toBeGreaterThanOrEqual(chosen.floor);
          if (chosen.prominence !== undefined && scores.length > 1)
            expect(prominenceOf(curve, key)).toBeGreaterThanOrEqual(chosen.prominence);
        }
        const dropped = all.filter((peak) => !keys.includes(peak));
        if (chosen.topK !== undefined && Object.keys(chosen).length === 1)
          for (const peak of dropped)
            for (const key of keys) expect(curve[peak]!).toBeLessThanOrEqual(curve[key]!);
      }),
    );
  });

  it("measures prominence as defined", () => {
    fc.assert(
      fc.property(curves, (scores) => {
        for (const peak of strictLocalMaxima(scores))
          expect(prominenceOf(scores, peak)).toBe(naiveProminence(scores, peak));
      }),
    );
    expect(prominenceOf([0, 5, 3, 4, 1, 9], 3)).toBe(1);
  });

  it("smooths within the range and refuses an even window", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1 }), (scores) => {
        for (const value of smoothed(scores, 5)) {
          expect(value).toBeGreaterThanOrEqual(Math.min(...scores) - 1e-12);
          expect(value).toBeLessThanOrEqual(Math.max(...scores) + 1e-12);
        }
      }),
    );
    expect(Array.from(smoothed([3, 0, 3], 3))).toEqual([1.5, 2, 1.5]);
    expect(() => smoothed([1], 2)).toThrow(
      "bad smoothing window; expected an odd number of frames >= 1; got 2",
    );
  });
});

describe("basins", () => {
  it("hold their peak, fall to both sides and never overlap", () => {
    fc.assert(
      fc.property(curves, fc.double({ min: 0, max: 1, noNaN: true }), (scores, heightShare) => {
        let next = 0;
        for (const peak of strictLocalMaxima(scores)) {
          const { first, last } = basinOf(scores, peak, heightShare);
          expect(first).toBeGreaterThanOrEqual(next);
          expect(first).toBeLessThanOrEqual(peak);
          expect(last).toBeGreaterThanOrEqual(peak);
          expect(last).toBeLessThan(scores.length);
          for (let i = first; i <= last; i++) expect(scores[i]!).toBeLessThanOrEqual(scores[peak]!);
          next = last + 1;
        }
      }),
    );
  });

  it("reaches to the valleys, or part of the way", () => {
    expect(basinOf([0, 1, 4, 8, 2, 1, 3], 3, 0)).toEqual({ first: 1, last: 4 });
    expect(basinOf([0, 1, 4, 8, 2, 1, 3], 3, 0.5)).toEqual({ first: 2, last: 3 });
  });
});
