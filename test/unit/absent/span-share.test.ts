import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { absentBuilders, usualBuilder } from "../../../src/absent/builders.ts";
import { lostEvents } from "../../../src/absent/lost-events.ts";
import { makePair } from "../../../src/absent/make-pair.ts";
import { memorySource } from "../../../src/absent/pair-source.ts";
import { highestPositions, positionsInSpans, replacedRuns } from "../../../src/absent/stretches.ts";
import { twinViewOf } from "../../../src/absent/twin-view.ts";
import type { TimeSpan } from "../../../src/core/units.ts";
import type { FrameBatch } from "../../../src/frames/frame-batch.ts";
import { strictLocalMaxima } from "../../../src/selection/peaks.ts";
import { chooseRelevance } from "../../../src/selection/relevance-choice.ts";
import type { Timeline } from "../../../src/video/types.ts";

const timelineOf = (times: readonly number[]): Timeline =>
  times.map((timeSeconds, index) => ({ index, timeSeconds })) as unknown as Timeline;
const even = (count: number, fps: number): Timeline =>
  timelineOf(Array.from({ length: count }, (_, at) => at / fps));

/** A clip in memory in which every frame differs. */
const clipOf = (timeline: Timeline): FrameBatch => ({
  width: 2,
  height: 2,
  frames: timeline,
  pixels: Uint8Array.from(
    { length: timeline.length * 12 },
    (_, at) => (Math.floor(at / 12) * 7 + (at % 12)) % 251,
  ),
});

describe("a bounded share", () => {
  test("never exceeds its bound, at uneven times too, and holds the key frames first", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 30 })), {
          minLength: 2,
          maxLength: 60,
        }),
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        (rows, mostShare) => {
          let time = 0;
          const timeline = timelineOf(rows.map(([, step]) => (time += step / 30)));
          const curve = rows.map(([score]) => score);
          const keyFrames = strictLocalMaxima(curve);
          const taken = highestPositions({ timeline, curve, keyFrames }, mostShare);
          const lasts = (at: number): number =>
            at + 1 < timeline.length
              ? timeline[at + 1]!.timeSeconds - (at === 0 ? 0 : timeline[at]!.timeSeconds)
              : timeline[at]!.timeSeconds - timeline[at - 1]!.timeSeconds;
          const sum = (chosen: (at: number) => boolean): number =>
            timeline.reduce((total, _, at) => total + (chosen(at) ? lasts(at) : 0), 0);
          expect(sum((at) => taken[at]!)).toBeLessThanOrEqual(mostShare * sum(() => true) + 1e-6);
          if (taken.some((one, at) => one && !keyFrames.includes(at)))
            expect(keyFrames.every((at) => taken[at])).toBe(true);
        },
      ),
    );
  });

  test("several peaks have their parts, not the highest alone", () => {
    const timeline = even(80, 8);
    const bump = (at: number, middle: number): number => Math.max(0, 1 - Math.abs(at - middle) / 6);
    const curve = timeline.map((_, at) => Math.max(bump(at, 20), 0.9 * bump(at, 60)));
    const taken = highestPositions({ timeline, curve, keyFrames: [20, 60] }, 0.2);
    expect(taken.slice(15, 26).filter(Boolean).length).toBeGreaterThan(5);
    expect(taken.slice(55, 66).filter(Boolean).length).toBeGreaterThan(5);
  });

  test("a run shows the frame before it, one at the beginning the frame behind it, all of a clip nothing", () => {
    expect(replacedRuns([false, true, true, false, true], "successor")).toEqual([
      { position: 1, from: 0 },
      { position: 2, from: 0 },
      { position: 4, from: 3 },
    ]);
    expect(replacedRuns([true, true, false], "successor")).toEqual([
      { position: 0, from: 2 },
      { position: 1, from: 2 },
    ]);
    expect(replacedRuns([true, false], "keep")).toEqual([]);
    expect(replacedRuns([true, true], "successor")).toEqual([]);
  });
});

describe("known events", () => {
  test("go whole, nested, touching and at the ends, and nothing else goes, whatever the frames that are scored", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(90), fc.integer({ min: 1, max: 25 })), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(1, 2, 3, 4),
        async (starts, stride) => {
          const timeline = even(100, 25);
          const spans: TimeSpan[] = starts.map(([start, length]) => ({
            startSeconds: start / 25,
            endSeconds: (start + length) / 25,
          }));
          const batch = clipOf(timeline);
          const sampled = timeline.filter((_, at) => at % stride === 0);
          const relevance = await chooseRelevance("events");
          const { view, knownSpans } = await makePair(
            memorySource({ file: "x.mp4", sha256: "0".repeat(64) }, timeline, batch),
            {
              relevance,
              builder: await absentBuilders.choose(usualBuilder),
              seed: 0,
              sampled,
              allowNothing: true,
            },
            { spans },
          );
          expect(knownSpans).toEqual(spans);
          if (positionsInSpans(sampled, spans).every(Boolean)) return;
          const lost = lostEvents(timeline, view, spans);
          expect(lost.gone).toBe(lost.frames);
          expect(lost.halfGone).toBe(lost.events);
          expect(view.changed.length).toBe(lost.frames);
        },
      ),
      { numRuns: 40 },
    );
  });

  /** The twin of a clip whose frames have these levels, of which some are scored. */
  const twinOf = async (levels: readonly number[], positions: readonly number[], spans: TimeSpan[]) => {
    const timeline = even(levels.length, 25);
    const batch: FrameBatch = {
      width: 2,
      height: 2,
      frames: timeline,
      pixels: Uint8Array.from(levels.flatMap((level) => new Array(12).fill(level))),
    };
    const made = await makePair(
      memorySource({ file: "x.mp4", sha256: "0".repeat(64) }, timeline, batch),
      {
        relevance: await chooseRelevance("events"),
        builder: await absentBuilders.choose(usualBuilder),
        seed: 0,
        sampled: positions.map((at) => timeline[at]!),
        allowNothing: true,
      },
      { spans },
    );
    return { ...made, lost: lostEvents(timeline, made.view, spans) };
  };
  const eventSpan = { startSeconds: 41 / 25, endSeconds: 48 / 25 };
  const moving = (at: number): boolean => at >= 41 && at < 48;

  test("of a clip that stands still outside go where the scored frames show nothing of them", async () => {
    const levels = Array.from({ length: 100 }, (_, at) => (moving(at) ? 100 + at : 10));
    const { lost, unchanged } = await twinOf(levels, [0, 20, 40, 60, 80], [eventSpan]);
    expect(lost).toMatchObject({ frames: 7, gone: 7 });
    expect(unchanged).toBe(0);
  });

  test("are compared frame by frame: one that looks like what would be shown is not declared", async () => {
    const levels = Array.from({ length: 100 }, (_, at) => (moving(at) && at !== 44 ? 100 + at : 10));
    const { view, unchanged } = await twinOf(levels, [0, 20, 40, 60, 80], [eventSpan]);
    expect(view.changed).toEqual([41, 42, 43, 45, 46, 47]);
    expect(unchanged).toBe(1);
  });

  test("before the first scored frame go as well, and one that reaches over it", async () => {
    const levels = Array.from({ length: 100 }, (_, at) => at);
    const before = await twinOf(levels, [12, 37, 62, 87], [{ startSeconds: 0.12, endSeconds: 0.4 }]);
    expect(before.view.changed).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(new Set(before.pair.replacements.map(({ from }) => from))).toEqual(new Set([37]));
    const over = await twinOf(levels, [12, 37, 62, 87], [{ startSeconds: 0.4, endSeconds: 0.6 }]);
    expect(over.view.changed).toEqual([10, 11, 12, 13, 14]);
  });

  test("an event whose frame is shown elsewhere is not unseen; a blanked one is", () => {
    const timeline = even(10, 1);
    const spans = [
      { startSeconds: 2, endSeconds: 3 },
      { startSeconds: 5, endSeconds: 6 },
    ];
    expect(lostEvents(timeline, twinViewOf([{ index: 5, from: 2 }]), spans)).toEqual({
      frames: 2,
      gone: 1,
      halfGone: 1,
      events: 2,
      unseen: 1,
    });
    const blank = twinViewOf([{ index: 5, from: 5 }], () => {});
    expect(lostEvents(timeline, blank, spans)).toMatchObject({ gone: 1, halfGone: 1, unseen: 1 });
  });

  test("explicit span keeps the record that it had", async () => {
    const { recipe } = await absentBuilders.choose("span");
    expect(recipe).toEqual({ name: "span", params: { heightShare: 0, firstFrame: "successor" } });
  });
});
