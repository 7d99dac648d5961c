import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradient } from "../../../src/graph/differentiate.ts";
import { input } from "../../../src/graph/ops/inputs.ts";
import { lossRegistry } from "../../../src/objectives/losses.ts";
import { interpret } from "../../interpret.ts";

interface Token {
  readonly ratio: number;
  readonly advantage: number;
  readonly weight?: number;
  /** p_ref / p */
  readonly reference?: number;
}

/** Loss, metrics and d loss / d log p of some tokens. */
const of = async (
  tokens: readonly Token[],
  params: object,
): Promise<{ loss: number; slopes: number[]; metrics: Record<string, number> }> => {
  const term = (await lossRegistry.make("policy-gradient", params)).value;
  const logprobs = input("tokenLogprobs", [tokens.length]);
  const { loss, metrics } = term.build({
    tokenLogprobs: logprobs,
    state: () => expect.fail("no states"),
    feed: (name) => input(name, [tokens.length]),
  });
  const own = tokens.map((_, i) => -1 - 0.1 * i);
  const feeds = {
    tokenLogprobs: own,
    oldLogprobs: tokens.map(({ ratio }, i) => own[i]! - Math.log(ratio)),
    referenceLogprobs: tokens.map(({ reference = 1 }, i) => own[i]! + Math.log(reference)),
    advantages: tokens.map(({ advantage }) => advantage),
    weights: tokens.map(({ weight = 1 }) => weight),
  };
  const names = Object.keys(metrics);
  const values = interpret([loss, gradient(loss, [logprobs])[0]!, ...Object.values(metrics)], feeds);
  return {
    loss: values[0]!.data[0]!,
    slopes: [...values[1]!.data],
    metrics: Object.fromEntries(names.map((name, i) => [name, values[i + 2]!.data[0]!])),
  };
};
const plain = { clip: 0.2, beta: 0 };

describe("policy gradient", () => {
  test("at ratio 1 it makes a good completion likelier and a bad one less likely: d loss / d log p = -w A", async () => {
    const { loss, slopes, metrics } = await of(
      [
        { ratio: 1, advantage: 2, weight: 0.25 },
        { ratio: 1, advantage: -3, weight: 0.5 },
        { ratio: 1, advantage: 1, weight: 0 },
      ],
      plain,
    );
    expect(loss).toBeCloseTo(-0.5 + 1.5, 12);
    expect(slopes[0]).toBeCloseTo(-0.5, 12);
    expect(slopes[1]).toBeCloseTo(1.5, 12);
    expect(Math.abs(slopes[2]!)).toBe(0);
    expect(metrics["clippedShare"]).toBe(0);
  });

  // -min(r A, clip(r) A): the clip takes away what would move further, never what would move back.
  test.each([
    { ratio: 1.5, advantage: 1, loss: -1.2, slope: 0 },
    { ratio: 1.5, advantage: -1, loss: 1.5, slope: 1.5 },
    { ratio: 0.5, advantage: 1, loss: -0.5, slope: -0.5 },
    { ratio: 0.5, advantage: -1, loss: 0.8, slope: 0 },
    { ratio: 1.1, advantage: 1, loss: -1.1, slope: -1.1 },
    { ratio: 0.9, advantage: -1, loss: 0.9, slope: 0.9 },
  ])("ratio $ratio, advantage $advantage: loss $loss, slope $slope", async ({ loss, slope, ...token }) => {
    const got = await of([token], plain);
    expect(got.loss).toBeCloseTo(loss, 12);
    expect(got.slopes[0]).toBeCloseTo(slope, 12);
    expect(got.metrics["clippedShare"]).toBe(slope === 0 ? 1 : 0);
    expect(got.metrics["ratioMean"]).toBeCloseTo(token.ratio, 12);
    expect(got.metrics["ratioVariance"]).toBeCloseTo((token.ratio - 1) ** 2, 12);
  });

  test("a run-away ratio is cut off where the minimum alone would let it go", async () => {
    const free = await of([{ ratio: 9, advantage: -1 }], plain);
    expect(free.loss).toBeCloseTo(9, 9);
    expect(free.slopes[0]).toBeCloseTo(9, 9);
    const far = await of([{ ratio: 1e6, advantage: -1 }], plain);
    expect(far.loss).toBeCloseTo(10, 9);
    expect(far.slopes[0]).toBeCloseTo(0, 12);
    const nearer = await of([{ ratio: 9, advantage: -1 }], { ...plain, largestRatio: 3 });
    expect(nearer.loss).toBeCloseTo(3, 9);
  });

  test("KL: p_ref/p - log(p_ref/p) - 1, pulls towards the reference from either side, is 0 at it", async () => {
    const one = (reference: number) => of([{ ratio: 1, advantage: 0, reference }], { clip: 0.2, beta: 0.5 });
    const likelier = await one(2);
    expect(likelier.metrics["kl"]).toBeCloseTo(1 - Math.LN2, 12);
    expect(likelier.loss).toBeCloseTo(0.5 * (1 - Math.LN2), 12);
    // The reference finds the token likelier: the policy is drawn up to it.
    expect(likelier.slopes[0]).toBeCloseTo(0.5 * (1 - 2), 12);
    expect((await one(0.5)).slopes[0]).toBeCloseTo(0.5 * (1 - 0.5), 12);
    const same = await one(1);
    expect(same.metrics["kl"]).toBeCloseTo(0, 12);
    expect(same.slopes[0]).toBeCloseTo(0, 12);
    expect(Number.isFinite((await one(1e30)).loss)).toBe(true);
  });

  test("never pays for moving on beyond the clip, always for coming back", async () => {
    const term = (await lossRegistry.make("policy-gradient", plain)).value;
    expect(term.additive).toBe(true);
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        async (ratio, advantage) => {
          const [slope] = (await of([{ ratio, advantage }], plain)).slopes;
          const isBeyond = advantage > 0 ? ratio > 1.2 : ratio < 0.8;
          if (Math.abs(ratio - 1.2) < 1e-6 || Math.abs(ratio - 0.8) < 1e-6) return;
          if (isBeyond || advantage === 0) expect(Math.abs(slope!)).toBeLessThan(1e-12);
          else expect(Math.sign(slope!)).toBe(-Math.sign(advantage));
        },
      ),
      { numRuns: 60 },
    );
  });
});
