import fc from "fast-check";
import { expect, test } from "vitest";
import { tokenOverlapEntailment } from "../../../src/grading/entailment.ts";
import {
  type Advantage,
  type AdvantageGroup,
  advantageRegistry,
} from "../../../src/objectives/advantages.ts";
import { comparativeDefaults } from "../../../src/objectives/comparative-defaults.ts";
import { answerQuality } from "../../../src/objectives/quality.ts";
import {
  advanceRefeed,
  answerableWithoutEvidence,
  type RefeedState,
  refeedMetrics,
  startRefeed,
} from "../../../src/objectives/refeed.ts";
import { type RewardInput, rewardRegistry, rewardTotal } from "../../../src/objectives/rewards.ts";

const refeedPolicy = {
  maxTries: comparativeDefaults.refeedTries.value,
  onExhausted: comparativeDefaults.onExhausted.value,
};
const make = async (name: string, params?: object): Promise<Advantage> =>
  (await advantageRegistry.make(name, params)).value;
const group = (over: Partial<AdvantageGroup>): AdvantageGroup => {
  const size = Object.values(over)[0]!.length;
  const zeros = new Array<number>(size).fill(0);
  return {
    rewards_G: zeros,
    quality_G: zeros,
    qualityAbsent_G: zeros,
    exhausted_G: zeros.map(() => false),
    ...over,
  };
};

test("Q = 1, Q' = 0, b = 0 gives r = 1, A_comp = 1, next b = 0.1 (used before it is updated)", async () => {
  const advantage = await make("comparative");
  const first = advantage.compute(group({ quality_G: [1] }), advantage.start);
  expect([...first.advantages_G]).toEqual([1]);
  expect(first.state.baseline).toBeCloseTo(0.1, 15);
  const second = advantage.compute(group({ quality_G: [1] }), first.state);
  expect(second.advantages_G[0]).toBeCloseTo(0.9, 15);
  expect(second.state.baseline).toBeCloseTo(0.19, 15);
});

test("an exhausted pair has no comparative advantage but counts in the baseline", async () => {
  const advantage = await make("comparative");
  const result = advantage.compute(
    group({ quality_G: [1, 0], qualityAbsent_G: [0, 0], exhausted_G: [false, true] }),
    { baseline: 0.4 },
  );
  expect(result.advantages_G[0]).toBeCloseTo(0.6, 15);
  expect(result.advantages_G[1]).toBe(0);
  expect(result.state.baseline).toBeCloseTo(0.9 * 0.4 + 0.1 * 0.5, 15);
});

test("a marginal winner is never punished beside a loser that is not", async () => {
  const given = group({ quality_G: [0.55, 0.2], qualityAbsent_G: [0.5, 0.5], exhausted_G: [false, true] });
  const state = { baseline: 0.3 };
  expect([...(await make("comparative")).compute(given, state).advantages_G]).toEqual([0, 0]);
  const every = (await make("centred")).compute(given, state).advantages_G;
  expect(every[0]).toBeCloseTo(0.05 - 0.3, 12);
  expect(every[1]).toBeCloseTo(-0.3 - 0.3, 12);
});

test("group: each completion against the twin's mean; centred, the twin's part cancels", async () => {
  const given = group({ quality_G: [1, 0, 0, 1], qualityAbsent_G: [1, 0, 0, 0] });
  const own = (await make("group", { centre: "absent" })).compute(given, { baseline: 0.3 });
  expect([...own.advantages_G]).toEqual([0.75, -0.25, -0.25, 0.75]);
  const inGroup = (await make("group")).compute(given, { baseline: 0.3 });
  expect([...inGroup.advantages_G]).toEqual([0.5, -0.5, -0.5, 0.5]);
  expect(inGroup.state).toEqual({ baseline: 0.3 });
});

test("total adds the comparison that it is asked for", async () => {
  const given = group({
    rewards_G: [0, 0],
    quality_G: [1, 0],
    qualityAbsent_G: [0, 0],
    exhausted_G: [false, true],
  });
  const of = async (comparison: string): Promise<number[]> => [
    ...(await make("total", { lambda: 2, comparison })).compute(given, { baseline: 0.5 }).advantages_G,
  ];
  expect(await of("comparative")).toEqual([1, 0]);
  expect(await of("centred")).toEqual([1, -1]);
  expect(await of("group")).toEqual([1, -1]);
});

test("group-relative golden numbers: numpy (R - R.mean()) / (R.std(ddof=1) + 1e-4) for R = 1, 2, 4, 5", async () => {
  const { advantages_G } = (await make("group-relative")).compute(group({ rewards_G: [1, 2, 4, 5] }), {
    baseline: 0,
  });
  const scale = Math.sqrt(10 / 3) + 1e-4;
  [-2, -1, 1, 2].forEach((deviation, i) => {
    expect(advantages_G[i]).toBeCloseTo(deviation / scale, 12);
  });
  expect(advantages_G[0]).toBeCloseTo(-1.0953851, 6);
});

test("lambda = 0 reproduces plain GRPO to the last bit, whatever refeed said", async () => {
  const plain = await make("group-relative");
  for (const onExhausted of ["drop", "baseOnly"]) {
    const total = await make("total", { lambda: 0, onExhausted });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ noNaN: true, min: -9, max: 9 }), fc.boolean(), fc.boolean()), {
          minLength: 1,
        }),
        (rows) => {
          const given = group({
            rewards_G: rows.map(([reward]) => reward),
            quality_G: rows.map(([, right]) => (right ? 1 : 0)),
            qualityAbsent_G: rows.map(() => 0),
            exhausted_G: rows.map(([, , gone]) => gone),
          });
          const a = total.compute(given, { baseline: 0.3 });
          const b = plain.compute(given, { baseline: 0.3 });
          expect(new Uint8Array(a.advantages_G.buffer)).toEqual(new Uint8Array(b.advantages_G.buffer));
          expect(a.weights_G).toEqual(b.weights_G);
        },
      ),
    );
  }
});

test("total: sum of both; exhausted pairs keep the base or leave the loss", async () => {
  const given = group({
    rewards_G: [0, 1],
    quality_G: [1, 0],
    qualityAbsent_G: [0, 0],
    exhausted_G: [false, true],
  });
  const base = (await make("group-relative")).compute(given, { baseline: 0 }).advantages_G;
  const kept = (await make("total", { lambda: 0.5 })).compute(given, { baseline: 0 });
  expect([...kept.advantages_G]).toEqual([base[0]! + 0.5, base[1]!]);
  expect([...kept.weights_G]).toEqual([1, 1]);
  const dropped = (await make("total", { lambda: 0.5, onExhausted: "drop" })).compute(given, { baseline: 0 });
  expect([...dropped.advantages_G]).toEqual([base[0]! + 0.5, 0]);
  expect([...dropped.weights_G]).toEqual([1, 0]);
});

test("refeed: equal qualities ask for a resample, success ends it, tries run out", () => {
  const start = startRefeed(1, 1, refeedPolicy);
  expect(start).toMatchObject({ status: "resample", reward: 0, tries: 0 });
  const once = startRefeed(0, 0, refeedPolicy);
  expect(advanceRefeed(once, 1, refeedPolicy)).toMatchObject({
    status: "accepted",
    tries: 1,
    reward: 1,
  });
  const twice = advanceRefeed(advanceRefeed(once, 0, refeedPolicy), 0, refeedPolicy);
  expect(twice).toMatchObject({ status: "exhausted", tries: 2 });
  expect(advanceRefeed(twice, 1, refeedPolicy)).toBe(twice);
  expect(startRefeed(1, 0, refeedPolicy).status).toBe("accepted");
  expect(startRefeed(0, 0, { ...refeedPolicy, maxTries: 0 }).status).toBe("exhausted");
});

test("refeed always ends within its tries, and its metrics add up", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 })),
      fc.nat(4),
      (pairs, maxTries) => {
        const policy = { maxTries, onExhausted: "drop" } as const;
        const states = pairs.map((draws) => {
          let state: RefeedState = startRefeed(0, 0, policy);
          for (const right of draws) state = advanceRefeed(state, right ? 1 : 0, policy);
          expect(state.tries).toBeLessThanOrEqual(maxTries);
          expect(state.status).not.toBe("resample");
          expect(state.status === "accepted").toBe(state.reward > 0);
          return state;
        });
        const metrics = refeedMetrics(states);
        expect(metrics.resamples).toBe(states.reduce((sum, { tries }) => sum + tries, 0));
        if (states.length > 0) expect(metrics.exhaustedShare + metrics.rescuedShare).toBeCloseTo(1, 12);
      },
    ),
  );
});

test("prompts that need no evidence are recognised", () => {
  expect(answerableWithoutEvidence([1, 1, 1, 1, 1, 0, 0, 0])).toBe(true);
  expect(answerableWithoutEvidence([1, 1, 1, 1, 0, 0, 0, 0])).toBe(false);
  expect(answerableWithoutEvidence([])).toBe(false);
});

test("quality: right or wrong for closed questions, entailment for open ones", async () => {
  const closed = { answerKind: "number", answer: "4" } as const;
  expect(await answerQuality(closed, "four", tokenOverlapEntailment)).toBe(1);
  expect(await answerQuality(closed, "five", tokenOverlapEntailment)).toBe(0);
  const open = { answerKind: "open", answer: "red disc flashes twice" } as const;
  expect(await answerQuality(open, "a red disc", tokenOverlapEntailment)).toBe(0.5);
});

test("reward rules", async () => {
  const input = (over: Partial<RewardInput>): RewardInput => ({
    completion: "B",
    lengthTokens: 1,
    finishReason: "stop",
    question: { answerKind: "choice", answer: "B", options: ["cat", "dog"] },
    ...over,
  });
  const reward = async (name: string, params?: object) => (await rewardRegistry.make(name, params)).value;
  const tagged = await reward("format", { tags: ["think", "answer"] });
  const said = (completion: string): number => tagged.score(input({ completion }));
  expect(said("<think>x</think> <answer>B</answer>\n")).toBe(1);
  expect(said("<answer>B</answer><think>x</think>")).toBe(0);
  expect(said("<think>x</think><answer> </answer>")).toBe(0);
  expect(said("<think>x</think><answer>B</answer> and")).toBe(0);
  expect(said("<think>x</think><answer>B</answer><answer>C</answer>")).toBe(0);
  const free = await reward("format");
  expect(free.score(input({ finishReason: "length" }))).toBe(0);
  expect(free.score(input({}))).toBe(1);
  const length = await reward("length", { minTokens: 2, maxTokens: 4, slackTokens: 3 });
  expect([0, 1, 2, 4, 5, 8].map((lengthTokens) => length.score(input({ lengthTokens })))).toEqual([
    0.5, 0.75, 1, 1, 0.75, 0,
  ]);
  await expect(rewardRegistry.make("length", { minTokens: 9, maxTokens: 4 })).rejects.toThrow("minTokens");
  const repetition = await reward("repetition");
  expect(repetition.score(input({ completion: "a red disc hops and a red disc stays" }))).toBeCloseTo(
    6 / 7,
    12,
  );
  expect(repetition.score(input({ completion: "hop hop hop" }))).toBe(0);
  expect(repetition.score(input({ completion: "go on go on go on" }))).toBe(0);
  expect(repetition.score(input({ completion: "red" }))).toBe(1);
  const partial = await reward("accuracy", { partial: true });
  expect(
    partial.score(input({ completion: "2,1,3", question: { answerKind: "permutation", answer: "1,2,3" } })),
  ).toBeCloseTo(2 / 3, 12);
  const parts = [
    { name: "format", weight: 0.5, reward: free },
    { name: "repetition", weight: 2, reward: repetition },
  ];
  expect(rewardTotal(parts, input({}))).toEqual({ total: 2.5, parts: { format: 1, repetition: 1 } });
});
