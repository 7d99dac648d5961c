/** Labels of fragment tasks as rewards: what is better gets more, and a guesser gets what chance gives. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { AnswerKind } from "../../../src/grading/grade-answer.ts";
import { type Reward, rewardRegistry } from "../../../src/objectives/rewards.ts";

const made = async (name: string, params: Record<string, unknown> = {}): Promise<Reward> =>
  (await rewardRegistry.make(name, params)).value;
const scored = (
  reward: Reward,
  answerKind: AnswerKind,
  answer: string,
  completion: string,
  options?: readonly string[],
): number =>
  reward.score({
    completion,
    lengthTokens: 1,
    finishReason: "stop",
    question: { answerKind, answer, ...(options && { options }) },
  });

/** Every order of 1..count. */
const orders = (count: number): number[][] =>
  count === 0
    ? [[]]
    : orders(count - 1).flatMap((order) =>
        Array.from({ length: count }, (_, at) => [...order.slice(0, at), count, ...order.slice(at)]),
      );
const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;
const order = fc.integer({ min: 2, max: 6 }).chain((count) =>
  fc.shuffledSubarray(
    Array.from({ length: count }, (_, i) => i + 1),
    { minLength: count },
  ),
);
const frames = fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 6 });

test("order-tau: two neighbours put right are worth more, and only the whole order is worth 1", async () => {
  const reward = await made("order-tau");
  fc.assert(
    fc.property(order, order, fc.nat(), (right, tried, at) => {
      fc.pre(right.length === tried.length);
      const place = at % (tried.length - 1);
      const swapped = [...tried];
      [swapped[place], swapped[place + 1]] = [tried[place + 1]!, tried[place]!];
      const isInOrder = right.indexOf(tried[place]!) < right.indexOf(tried[place + 1]!);
      const of = (one: readonly number[]): number => scored(reward, "permutation", right.join(), one.join());
      if (isInOrder) expect(of(tried)).toBeGreaterThan(of(swapped));
      else expect(of(swapped)).toBeGreaterThan(of(tried));
      expect(of(tried) === 1).toBe(tried.join() === right.join());
    }),
  );
});

test("index-f1: a right frame more never takes away, a wrong one never gives", async () => {
  const reward = await made("index-f1");
  fc.assert(
    fc.property(frames, frames, fc.integer({ min: 1, max: 8 }), (right, said, more) => {
      fc.pre(!said.includes(more));
      const of = (one: readonly number[]): number =>
        scored(reward, "index-set", right.join(), one.join(", "));
      const [before, after] = [of(said), of([...said, more])];
      if (right.includes(more)) expect(after).toBeGreaterThan(before);
      else expect(after).toBeLessThanOrEqual(before);
    }),
  );
});

test("a guesser of orders gets what chance gives", async () => {
  const [exact, tau, half] = [
    await made("exact"),
    await made("order-tau", { exactShare: 0 }),
    await made("order-tau"),
  ];
  for (const count of [3, 4]) {
    const all = orders(count).map((one) => one.join());
    const mean = (reward: Reward): number =>
      meanOf(all.map((said) => scored(reward, "permutation", all[1]!, said)));
    expect(mean(exact)).toBeCloseTo(1 / all.length, 10);
    expect(mean(tau)).toBeCloseTo(0.5, 10);
    expect(mean(half)).toBeCloseTo(0.5 / all.length + 0.25, 10);
  }
});

test("a guesser of places, of yes and no, of numbers gets what chance gives", async () => {
  const [exact, f1] = [await made("exact"), await made("index-f1")];
  const places = ["1", "2", "3", "none"];
  for (const reward of [exact, f1])
    expect(meanOf(places.map((said) => scored(reward, "index-set", "none", said)))).toBe(1 / 4);
  // Naming all frames is no way around looking.
  expect(scored(f1, "index-set", "2", "1, 2, 3")).toBe(0.5);
  expect(scored(f1, "index-set", "none", "1, 2, 3")).toBe(0);
  const closed = ["yes", "no"];
  expect(meanOf(closed.map((said) => scored(exact, "choice", "yes", said, closed)))).toBe(0.5);
  const numbers = Array.from({ length: 7 }, (_, i) => String(i + 2));
  expect(meanOf(numbers.map((said) => scored(exact, "number", "5", said)))).toBeCloseTo(1 / 7, 10);
});
