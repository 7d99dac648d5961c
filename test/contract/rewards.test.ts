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
    { answerKind: "index-set", answer: "2,5" },
    { answerKind: "permutation", answer: "2,1,3" },
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

describe("rewards of fragment tasks", () => {
  const scored = async (
    name: string,
    answerKind: RewardInput["question"]["answerKind"],
    answer: string,
    completion: string,
  ): Promise<number> => {
    const { value } = await rewardRegistry.make(name);
    return value.score({
      completion,
      lengthTokens: 1,
      finishReason: "stop",
      question: { answerKind, answer },
    });
  };
  test.each([
    ["exact", "number", "5", "5", 1],
    ["exact", "number", "5", "4", 0],
    ["exact", "permutation", "2,1,3", "2,3,1", 0],
    ["exact", "index-set", "2,5", "2", 0],
    ["index-f1", "index-set", "2,5", "2", 2 / 3],
    ["index-f1", "index-set", "none", "none", 1],
    ["index-f1", "number", "5", "4", 0],
    ["order-tau", "permutation", "2,1,3", "2,1,3", 1],
    ["order-tau", "permutation", "2,1,3", "1,2,3", 1 / 3],
    ["order-tau", "permutation", "2,1,3", "3,1,2", 0],
    ["order-tau", "permutation", "2,1,3", "I do not know", 0],
  ] as const)("%s of a %s %s answered %s", async (name, kind, answer, completion, expected) => {
    expect(await scored(name, kind, answer, completion)).toBeCloseTo(expected, 10);
  });
});
