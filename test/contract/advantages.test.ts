import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AdvantageGroup, advantageRegistry } from "../../src/objectives/advantages.ts";

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const row = fc.record({
  reward: fc.double({ min: -5, max: 5, noNaN: true }),
  q: unit,
  absent: unit,
  gone: fc.boolean(),
});
type Row = { reward: number; q: number; absent: number; gone: boolean };
const groupOf = (rows: readonly Row[]): AdvantageGroup => ({
  rewards_G: rows.map(({ reward }) => reward),
  quality_G: rows.map(({ q }) => q),
  qualityAbsent_G: rows.map(({ absent }) => absent),
  exhausted_G: rows.map(({ gone }) => gone),
});
const rows = fc.array(row, { minLength: 1, maxLength: 9 });

const names = advantageRegistry.names();
test("there are advantages", () => expect(names.length).toBeGreaterThan(0));

describe.each(names)("advantage %s", (name) => {
  test("equal rewards and no difference between the twins give exactly zero", async () => {
    const { value: advantage } = await advantageRegistry.make(name);
    fc.assert(
      fc.property(row, fc.integer({ min: 1, max: 12 }), ({ reward, q, gone }, size) => {
        const group = groupOf(Array.from({ length: size }, () => ({ reward, q, absent: q, gone })));
        const { advantages_G } = advantage.compute(group, advantage.start);
        expect([...advantages_G].every((value) => value === 0)).toBe(true);
      }),
    );
  });
  test("reordering the group reorders the advantages and nothing else", async () => {
    const { value: advantage } = await advantageRegistry.make(name);
    fc.assert(
      fc.property(rows, unit, fc.infiniteStream(fc.nat()), (given, baseline, stream) => {
        const order = given
          .map((_, index) => ({ index, key: stream.next().value as number }))
          .sort((a, b) => a.key - b.key || a.index - b.index)
          .map(({ index }) => index);
        const plain = advantage.compute(groupOf(given), { baseline });
        const moved = advantage.compute(groupOf(order.map((index) => given[index]!)), { baseline });
        const scale = 1 + Math.max(...plain.advantages_G.map(Math.abs));
        order.forEach((from, to) => {
          expect(Math.abs(moved.advantages_G[to]! - plain.advantages_G[from]!)).toBeLessThan(1e-9 * scale);
          expect(moved.weights_G[to]).toBe(plain.weights_G[from]);
        });
        expect(Math.abs(moved.state.baseline - plain.state.baseline)).toBeLessThan(1e-12);
      }),
    );
  });
  test("never falls when a completion gets better, all else as it was", async () => {
    const { value: advantage } = await advantageRegistry.make(name);
    fc.assert(
      fc.property(
        rows,
        fc.nat(),
        unit,
        unit,
        fc.double({ min: 0, max: 5, noNaN: true }),
        (given, pick, to, baseline, more) => {
          const at = pick % given.length;
          // A pair is exhausted exactly when it has not won.
          const settled = (list: readonly Row[]): AdvantageGroup =>
            groupOf(list.map((one) => ({ ...one, gone: one.q <= one.absent })));
          const better = given.map((one, i) =>
            i === at ? { ...one, q: Math.max(one.q, to), reward: one.reward + more } : one,
          );
          const before = advantage.compute(settled(given), { baseline }).advantages_G[at]!;
          const after = advantage.compute(settled(better), { baseline }).advantages_G[at]!;
          expect(after).toBeGreaterThanOrEqual(before - 1e-9 * (1 + Math.abs(before)));
        },
      ),
    );
  });
  test("rises when a completion gets better: somewhere, it is no constant", async () => {
    const { value: advantage } = await advantageRegistry.make(name);
    const one = { reward: 0, q: 0, absent: 0, gone: true };
    const other = { reward: 1, q: 1, absent: 0, gone: false };
    const { advantages_G } = advantage.compute(groupOf([one, other]), { baseline: 0.3 });
    expect(advantages_G[1]!).toBeGreaterThan(advantages_G[0]!);
  });
  test("is pure, finite, and as long as the group", async () => {
    const { value: advantage } = await advantageRegistry.make(name);
    fc.assert(
      fc.property(rows, unit, (given, baseline) => {
        const group = groupOf(given);
        const before = structuredClone(group);
        const result = advantage.compute(group, { baseline });
        expect(group).toEqual(before);
        expect(advantage.compute(group, { baseline })).toEqual(result);
        expect(result.advantages_G.length).toBe(given.length);
        expect(result.advantages_G.every(Number.isFinite)).toBe(true);
        expect(result.weights_G.every((weight) => weight === 0 || weight === 1)).toBe(true);
      }),
    );
  });
});
