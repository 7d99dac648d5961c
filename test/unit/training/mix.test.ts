import fc from "fast-check";
import { expect, test } from "vitest";
import { type MixPart, mixedOrder } from "../../../src/training/mix.ts";

/** Parts of a few items each, with weights; items are numbered through. */
const someParts = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 9 }), weight: fc.integer({ min: 1, max: 8 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => {
    let from = 0;
    return parts.map(({ size, weight }): MixPart => {
      from += size;
      return { places: Array.from({ length: size }, (_, i) => from - size + i), weight };
    });
  });

const drawn = (parts: readonly MixPart[], batch: number, steps: number, seed = 1): number[] => {
  const order = mixedOrder(parts, batch, seed);
  return Array.from({ length: steps }, (_, i) => order(i + 1)).flat();
};

test("of every run from the start each part has its share, to within one item a part that there is", () => {
  fc.assert(
    fc.property(someParts, fc.integer({ min: 1, max: 7 }), fc.integer(), (parts, batch, seed) => {
      const all = drawn(parts, batch, 60, seed);
      const total = parts.reduce((sum, { weight }) => sum + weight, 0);
      for (const { places, weight } of parts) {
        const own = new Set(places);
        let [count, farthest] = [0, 0];
        all.forEach((place, at) => {
          if (own.has(place)) count++;
          farthest = Math.max(farthest, Math.abs(count - ((at + 1) * weight) / total));
        });
        expect(farthest).toBeLessThan(parts.length);
      }
    }),
  );
});

test("within a part every epoch holds every item once", () => {
  fc.assert(
    fc.property(someParts, fc.integer(), (parts, seed) => {
      const all = drawn(parts, 5, 80, seed);
      for (const { places } of parts) {
        const own = all.filter((place) => places.includes(place));
        for (let epoch = 0; (epoch + 1) * places.length <= own.length; epoch++)
          expect(own.slice(epoch * places.length, (epoch + 1) * places.length).sort((a, b) => a - b)).toEqual(
            [...places],
          );
      }
    }),
  );
});

test("a step's items are the same ones whenever they are asked for, and no batch holds two companies", () => {
  const parts: MixPart[] = [
    { places: [0, 1, 2, 3], weight: 2, company: "a" },
    { places: [4, 5], weight: 1, company: "a" },
    { places: [6, 7, 8], weight: 1, company: "b" },
  ];
  const [forwards, backwards] = [mixedOrder(parts, 4, 3), mixedOrder(parts, 4, 3)];
  const last = backwards(40);
  expect(forwards(1)).toEqual(backwards(1));
  expect(forwards(40)).toEqual(last);
  const companies = Array.from({ length: 40 }, (_, i) => [
    ...new Set(forwards(i + 1).map((at) => (at < 6 ? "a" : "b"))),
  ]);
  expect(companies.every(({ length }) => length === 1)).toBe(true);
  expect(companies.filter(([one]) => one === "b")).toHaveLength(10);
});
