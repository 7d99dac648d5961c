import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import type { FrameBatch } from "../../../src/frames/frame-batch.ts";
import { meanOfStrongest } from "../../../src/selection/motion/block-change.ts";
import { globalShift, type Shift, shiftedDifference } from "../../../src/selection/motion/global-shift.ts";
import {
  inRobustDeviations,
  motionScores,
  smoothedOverTime,
} from "../../../src/selection/motion/motion-curve.ts";
import { type Planes, planesOf } from "../../../src/selection/motion/planes.ts";
import relevance from "../../../src/selection/relevance/motion.ts";
import { relevanceProviders } from "../../../src/selection/relevance.ts";

const width = 64;
const height = 48;

/** A textured ground seen through a window that may move, with optional squares on it. */
const clip = (
  count: number,
  paint: (frame: number) => { camera?: number; squares?: { x: number; y: number; colour: number[] }[] },
  fps = 8,
): FrameBatch => {
  const random = seededRandom("ground");
  const ground = Array.from({ length: (width + 64) * height }, () => 60 + random.integer(120));
  const soft = ground.map((_, at) => (ground[at]! + (ground[at - 1] ?? 90) + (ground[at + 1] ?? 90)) / 3);
  const pixels = new Uint8Array(count * width * height * 3);
  for (let frame = 0; frame < count; frame++) {
    const { camera = 0, squares = [] } = paint(frame);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const level = soft[y * (width + 64) + x + camera]!;
        pixels.fill(
          level,
          ((frame * height + y) * width + x) * 3,
          ((frame * height + y) * width + x + 1) * 3,
        );
      }
    for (const { x, y, colour } of squares)
      for (let dy = 0; dy < 10; dy++)
        for (let dx = 0; dx < 10; dx++) pixels.set(colour, ((frame * height + y + dy) * width + x + dx) * 3);
  }
  const frames = Array.from({ length: count }, (_, index) => ({ index, timeSeconds: index / fps }));
  return { pixels, width, height, frames: frames as unknown as FrameBatch["frames"] };
};

const best = (scores: Float64Array): number => scores.indexOf(Math.max(...scores));
const red = [220, 40, 40];

describe("planesOf", () => {
  it("gives the means of what each pixel covers, whatever the size and wherever the picture lies in memory", () => {
    const side = fc.integer({ min: 1, max: 90 });
    const bytes = fc.infiniteStream(fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(side, side, fc.integer({ min: 0, max: 5 }), bytes, (across, down, offset, levels) => {
        const memory = new Uint8Array(offset + 2 * across * down * 3);
        for (let at = 0; at < memory.length; at++) memory[at] = levels.next().value!;
        const frames = [{}, {}] as unknown as FrameBatch["frames"];
        const batch = { frames, pixels: memory.subarray(offset), width: across, height: down };
        const { luma, red: redness, width: columns, height: rows } = planesOf(batch, 1, 24);
        const edge = (at: number, reduced: number, source: number): number =>
          Math.floor((at * source) / reduced);
        for (let row = 0; row < rows; row++)
          for (let column = 0; column < columns; column++) {
            const sums = [0, 0, 0];
            let area = 0;
            for (let y = edge(row, rows, down); y < edge(row + 1, rows, down); y++)
              for (let x = edge(column, columns, across); x < edge(column + 1, columns, across); x++, area++)
                for (const part of [0, 1, 2])
                  sums[part]! += batch.pixels[((down + y) * across + x) * 3 + part]!;
            const [r, g, b] = sums.map((sum) => sum / area) as [number, number, number];
            const y601 = 0.299 * r + 0.587 * g + 0.114 * b;
            expect(luma[row * columns + column]!).toBeCloseTo(y601, 3);
            expect(redness[row * columns + column]!).toBeCloseTo(0.713 * (r - y601), 3);
          }
      }),
      { numRuns: 60 },
    );
  });
});

describe("motion", () => {
  it("finds a square that is there for one frame, even under a pan", () => {
    for (const speed of [0, 1]) {
      const frames = clip(24, (frame) => ({
        camera: frame * speed,
        squares: frame === 13 ? [{ x: 30, y: 20, colour: red }] : [],
      }));
      expect(best(motionScores(frames, { reachSeconds: 0.25, smoothingSeconds: 0 }))).toBe(13);
    }
  });

  it("finds a change of colour that keeps the brightness", () => {
    const colour = (frame: number): number[] => (frame === 9 ? [60, 164, 100] : [200, 70, 170]);
    const frames = clip(20, (frame) => ({ squares: [{ x: 12, y: 12, colour: colour(frame) }] }));
    expect(best(motionScores(frames, { smoothingSeconds: 0 }))).toBe(9);
  });

  it("gives a change that stays less than one that goes again", () => {
    const frames = clip(40, (frame) => ({
      squares: [
        ...(frame >= 10 ? [{ x: 5, y: 5, colour: red }] : []),
        ...(frame === 28 ? [{ x: 40, y: 30, colour: red }] : []),
      ],
    }));
    const scores = motionScores(frames, { smoothingSeconds: 0, reachSeconds: 0.5 });
    expect(best(scores)).toBe(28);
    expect(scores[10]!).toBeLessThan(scores[28]! / 10);
  });

  it("ignores flicker of the whole picture", () => {
    const frames = clip(24, (frame) => ({ squares: frame === 6 ? [{ x: 30, y: 20, colour: red }] : [] }));
    const size = width * height * 3;
    for (let at = 17 * size; at < 18 * size; at++) frames.pixels[at] = frames.pixels[at]! + 30;
    expect(best(motionScores(frames, { smoothingSeconds: 0 }))).toBe(6);
    expect(best(motionScores(frames, { smoothingSeconds: 0, removeFlicker: false }))).toBe(17);
  });

  it("gives the same scores whole and in pieces, and follows true times", async () => {
    const frames = clip(30, (frame) => ({ camera: frame % 3, squares: [{ x: frame, y: 10, colour: red }] }));
    const uneven = {
      ...frames,
      frames: frames.frames.map((f, i) => ({ ...f, timeSeconds: (i + (i % 4) / 9) / 8 })),
    };
    for (const whole of [frames, uneven as unknown as FrameBatch]) {
      const made = await relevanceProviders.make("motion");
      const size = width * height * 3;
      async function* pieces(): AsyncGenerator<FrameBatch> {
        for (const [from, to] of [
          [0, 1],
          [1, 8],
          [8, 9],
          [9, 30],
        ] as const)
          yield {
            ...whole,
            frames: whole.frames.slice(from, to),
            pixels: whole.pixels.slice(from * size, to * size),
          };
      }
      const scores = await made.value.score({
        frames: pieces(),
        timeline: whole.frames,
        keywords: [],
        caption: "",
        context: {},
      });
      expect([...scores]).toEqual([...motionScores(whole)]);
    }
  });

  it("takes clips of one and two frames, and pictures that never change", () => {
    expect([...motionScores(clip(1, () => ({})))]).toEqual([0]);
    expect([...motionScores(clip(2, () => ({})))]).toEqual([0, 0]);
    expect([
      ...motionScores(
        clip(12, () => ({})),
        { border: "open" },
      ),
    ]).toEqual(new Array(12).fill(0));
    expect(relevance.inputPixels).toBeGreaterThan(0);
  });

  it("compares borders with the clip's ends or with the one side that exists", () => {
    const frames = clip(30, (frame) => ({ squares: frame < 2 ? [{ x: 30, y: 20, colour: red }] : [] }));
    const options = { reachSeconds: 0.5, smoothingSeconds: 0 };
    expect(motionScores(frames, { ...options, border: "rest" })[0]).toBe(0);
    expect(best(motionScores(frames, { ...options, border: "open" }))).toBe(0);
  });

  it("refuses parameters out of range", () => {
    expect(() =>
      motionScores(
        clip(2, () => ({})),
        { strongestShare: 0 },
      ),
    ).toThrow();
  });
});

/** The search of `globalShift`, every shift read to its end. */
const readingAll = (a: Planes, b: Planes, reachX: number, reachY: number): Shift => {
  const mean = (values: Float32Array): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  const offset = mean(a.luma) - mean(b.luma);
  const bestOf = (shifts: readonly Shift[], step: number): Shift => {
    const costs = shifts.map(
      ({ dx, dy }) =>
        shiftedDifference(a.luma, b.luma, a.width, a.height, dx, dy, step, offset) +
        0.02 * (Math.abs(dx) + Math.abs(dy)),
    );
    return shifts[costs.indexOf(Math.min(...costs))]!;
  };
  const around = (centre: Shift, reaches: readonly [number, number], step: number): Shift[] => {
    const shifts: Shift[] = [centre];
    for (let dy = centre.dy - reaches[1]; dy <= centre.dy + reaches[1]; dy += step)
      for (let dx = centre.dx - reaches[0]; dx <= centre.dx + reaches[0]; dx += step)
        if (Math.abs(dx) <= reachX && Math.abs(dy) <= reachY) shifts.push({ dx, dy });
    return shifts;
  };
  const coarse = bestOf(around({ dx: 0, dy: 0 }, [reachX, reachY], 2), 3);
  return bestOf(around(coarse, [1, 1], 1), 2);
};

describe("parts of the curve", () => {
  it("recovers a known shift and matches the whole-picture difference", () => {
    const frames = clip(2, (frame) => ({ camera: frame * 3 }));
    const [a, b] = [planesOf(frames, 0, 64), planesOf(frames, 1, 64)];
    expect(globalShift(a, b, 0.1)).toEqual({ dx: -3, dy: 0 });
    expect(shiftedDifference(a.luma, b.luma, width, height, -3, 0, 1, 0)).toBeLessThan(1e-6);
  });

  it("leaves out only shifts that cannot win: the same as reading every pixel of all of them", () => {
    const random = seededRandom("shifts");
    for (let round = 0; round < 40; round++) {
      const kind = round % 4;
      const [moveX, moveY] = [random.integer(7) - 3, random.integer(5) - 2];
      const level = (x: number, y: number): number =>
        kind === 0
          ? random.integer(256)
          : kind === 1
            ? 90
            : 100 + 50 * Math.sin(x / (2 + kind)) + 30 * Math.cos(y / 3);
      const picture = (dx: number, dy: number): Planes => {
        const luma = Float32Array.from({ length: 40 * 24 }, (_, at) =>
          level((at % 40) + dx, Math.floor(at / 40) + dy),
        );
        return { width: 40, height: 24, luma, blue: luma, red: luma };
      };
      const [a, b] = [picture(0, 0), picture(moveX, moveY)];
      expect(globalShift(a, b, 0.2)).toEqual(readingAll(a, b, 8, 4));
    }
  });

  it("stops at the row where a difference is large enough, and never below it", () => {
    const [a, b] = [new Float32Array(64).fill(5), new Float32Array(64)];
    expect(shiftedDifference(a, b, 8, 8, 0, 0, 1, 0, 5.01)).toBe(5);
    expect(shiftedDifference(a, b, 8, 8, 0, 0, 1, 0, 5)).toBe(Number.POSITIVE_INFINITY);
    expect(shiftedDifference(a, b, 8, 8, 8, 0, 1, 0, 5)).toBe(Number.POSITIVE_INFINITY);
  });

  it("reduces by area means", () => {
    const frames = clip(1, () => ({ squares: [{ x: 0, y: 0, colour: [10, 20, 30] }] }));
    const planes = planesOf(frames, 0, 32);
    expect([planes.width, planes.height]).toEqual([32, 24]);
    expect(planes.luma[0]).toBeCloseTo(0.299 * 10 + 0.587 * 20 + 0.114 * 30, 4);
  });

  it("averages the strongest, smooths over time, and measures from the median", () => {
    expect(meanOfStrongest(Float64Array.of(1, 9, 5, 7), 2, new Float64Array(4))).toBe(8);
    const flat = smoothedOverTime([2, 2, 2], [0, 0.1, 4], 1);
    for (const value of flat) expect(value).toBeCloseTo(2, 12);
    expect([...inRobustDeviations(Float64Array.of(0, 1, 2))].map((v) => Math.round(v * 1e3) / 1e3)).toEqual([
      -0.674, 0, 0.674,
    ]);
    expect([...inRobustDeviations(Float64Array.of(4, 4, 4))]).toEqual([0, 0, 0]);
  });
});
