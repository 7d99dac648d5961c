import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryQueue } from "../../../src/training/memory-queue.ts";
import { toyClips } from "./tiny.ts";

const width = 3;
const clips = toyClips(12).map((clip, i) => (i % 3 === 0 ? { ...clip, absentSteps: new Map() } : clip));
const statesOf = (step: number, count: number): Parameters<MemoryQueue["add"]>[1] => {
  const numbers = (kind: number): Float32Array =>
    Float32Array.from({ length: count * width }, (_, i) => 1000 * step + 100 * kind + i + 0.1);
  return { absent: numbers(0), view: numbers(1), keywords: numbers(2) };
};

test("an empty queue hides everything and holds directions, so that cosines stay numbers", () => {
  const feeds = new MemoryQueue(4, width).feeds(clips.slice(0, 2));
  for (const name of ["queuedAbsentMask", "queuedViewMask", "queuedTextMask"])
    expect([...feeds[name]!].every((value) => value < 0)).toBe(true);
  expect(feeds["queuedAbsentMask"]!.length).toBe(4);
  expect(feeds["queuedViewMask"]!.length).toBe(8);
  for (const name of ["queuedAbsent", "queuedViews", "queuedTexts"])
    expect([...feeds[name]!].every((value) => value === 1)).toBe(true);
});

test("it holds the last clips, hides the clip itself, equal words and missing twins, and comes back bit for bit", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
      (size, counts) => {
        const queue = new MemoryQueue(size, width);
        const added: { clip: (typeof clips)[number]; first: number }[] = [];
        counts.forEach((count, step) => {
          const own = Array.from({ length: count }, (_, i) => clips[(3 * step + i) % clips.length]!);
          const states = statesOf(step, count);
          queue.add(own, states);
          own.forEach((clip, i) => void added.push({ clip, first: states.absent[i * width]! }));
        });
        const kept = added.slice(-size);
        const asked = clips.slice(0, 2);
        const feeds = queue.feeds(asked);
        const places = Array.from({ length: size }, (_, q) => ({
          first: feeds["queuedAbsent"]![q * width]!,
          views: feeds["queuedViews"]![q * width]!,
          texts: feeds["queuedTexts"]![q * width]!,
          q,
        }));
        for (const { clip, first } of kept) {
          const place = places.find((one) => one.first === first)!;
          expect(place.views - first).toBeCloseTo(100, 2);
          expect(place.texts - first).toBeCloseTo(200, 2);
          expect(feeds["queuedAbsentMask"]![place.q]! < 0).toBe(clip.absentSteps.size === 0);
          asked.forEach((one, i) => {
            expect(feeds["queuedViewMask"]![i * size + place.q]! < 0).toBe(one.id === clip.id);
            expect(feeds["queuedTextMask"]![i * size + place.q]! < 0).toBe(
              one.keywords.join(" ") === clip.keywords.join(" "),
            );
          });
        }
        expect([...feeds["queuedViewMask"]!.subarray(0, size)].filter((value) => value < 0).length).toBe(
          size - kept.length + kept.filter(({ clip }) => clip.id === asked[0]!.id).length,
        );
        const again = new MemoryQueue(size, width);
        again.restore(JSON.parse(JSON.stringify(queue.save())));
        expect(again.feeds(asked)).toEqual(feeds);
        again.add(clips.slice(4, 5), statesOf(9, 1));
        queue.add(clips.slice(4, 5), statesOf(9, 1));
        expect(again.feeds(asked)).toEqual(queue.feeds(asked));
      },
    ),
    { numRuns: 50 },
  );
});
