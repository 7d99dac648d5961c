import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RewardInput, rewardRegistry } from "../../src/objectives/rewards.ts";

const input: fc.Arbitrary<RewardInput> = fc.record({
  completion: fc.oneof(
    fc.string({ unit: "binary", maxLength: 80 }),
    fc
      .array(fc.constantFrom("<think>", "</think>", "<answer>", "</answer>", "B ", "the dog ", "7 "), {
        maxLength: 16,
      })
      .map((parts) => parts.join("")),
  ),
  lengthTokens: fc.nat(5000),
  finishReason: fc.constantFrom("stop" as const, "length" as const),
  question: fc.constantFrom<RewardInput["question"]>(
    { answerKind: "choice", answer: "B", options: ["cat", "dog"] },
    { answerKind: "number", answer: "7" },
    { answerKind: "open", answer: "the dog hops" },
  ),
});

const names = rewardRegistry.names();
test("there are rewards", () => expect(names.length).toBeGreaterThan(0));

describe.each(names)("reward %s", (name) => {
  test("says what it is and refuses unknown parameters", async () => {
    const plugin = await rewardRegistry.load(name);
    expect(plugin.summary).not.toBe("");
    expect(plugin.source).not.toBe("");
    await expect(rewardRegistry.make(name, { noSuchParameter: 1 })).rejects.toThrow(`reward "${name}"`);
  });
  test("stays in its declared range on any text and is deterministic", async () => {
    const { value: reward } = await rewardRegistry.make(name);
    const { value: again } = await rewardRegistry.make(name);
    fc.assert(
      fc.property(input, (given) => {
        const score = reward.score(given);
        expect(score).toBeGreaterThanOrEqual(reward.range[0]);
        expect(score).toBeLessThanOrEqual(reward.range[1]);
        expect(again.score(given)).toBe(score);
      }),
      { numRuns: 300 },
    );
  });
  test("does not look at the reference unless it says so", async () => {
    const plugin = await rewardRegistry.load(name);
    const { value: reward } = await rewardRegistry.make(name);
    const right: RewardInput = {
      completion: "B",
      lengthTokens: 1,
      finishReason: "stop",
      question: { answerKind: "choice", answer: "B", options: ["cat", "dog"] },
    };
    const wrong: RewardInput = { ...right, question: { ...right.question, answer: "A" } };
    expect(reward.score(right) !== reward.score(wrong)).toBe(plugin.readsAnswer);
  });
});
