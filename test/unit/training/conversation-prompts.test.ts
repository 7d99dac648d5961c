/** Completions of conversations are scored as they were drawn, whatever they are packed with. */
import { afterAll, expect, test } from "vitest";
import { type MediaStep, mediaStep } from "../../../src/batch/media-step.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { SampleRequest } from "../../../src/engine/contract.ts";
import { tokenOverlapEntailment } from "../../../src/grading/entailment.ts";
import { positionsOf } from "../../../src/model/positions.ts";
import {
  type AskedConversation,
  type ConversationQuestion,
  conversationPromptLayout,
} from "../../../src/training/conversation-prompts.ts";
import { drawAnswers } from "../../../src/training/draw-answers.ts";
import { policyBatches } from "../../../src/training/policy-batches.ts";
import type { Shown } from "../../../src/training/prompt-layout.ts";
import { rollOut } from "../../../src/training/rollout.ts";
import { rolloutMetrics } from "../../../src/training/rollout-log.ts";
import { tinyConfig, tinyEnd, tinyTrainee } from "./tiny.ts";

const config = tinyConfig();
const trainee = tinyTrainee("");
afterAll(() => trainee.engine[Symbol.asyncDispose]());

const step = (key: string, rows: number): MediaStep => {
  const random = seededRandom(key);
  return mediaStep(
    Uint8Array.from({ length: rows * 4 * 24 }, () => random.integer(256)),
    rows,
    4,
  );
};

/** Words, a clip of `steps` steps of `rows` x 4 patches, words. */
const conversation = (steps: number, rows: number, words: readonly number[]): AskedConversation => {
  const films = new Array<number>(steps * rows).fill(11);
  const ids = Int32Array.from([16, 12, ...films, 13, ...words]);
  const { positions_3BT, next_B } = positionsOf(
    {
      rows: 1,
      columns: ids.length,
      inputIds_BT: ids,
      videoGrids: [[steps, rows, 4]],
      secondsPerGrid: [1],
    },
    config,
  );
  let place = 0;
  return {
    tokens: {
      ids,
      positions: positions_3BT,
      spoken: new Uint8Array(ids.length),
      places: Int32Array.from(ids, (id) => (id === 11 ? place++ : -1)),
    },
    next: next_B[0]!,
  };
};

const question = (name: string, steps: number, rows: number): ConversationQuestion => ({
  clip: {
    id: name,
    media: Array.from({ length: steps }, (_, at) => step(`${name} ${at}`, rows)),
    absentSteps: new Map([[1, step(`${name} twin`, rows)]]),
    frozenSteps: new Map([[0, step(`${name} frozen`, rows)]]),
  },
  text: { sampleId: name, question: name, answer: "x", answerKind: "open" },
  plain: conversation(steps, rows, [18, 19]),
  instructed: conversation(steps, rows, [18, 19, 21, 22]),
  valid: [
    [23, tinyEnd],
    [24, 25, tinyEnd],
  ],
  isClosed: true,
});
const prompts = [question("a", 3, 4), question("b", 2, 2), question("c", 2, 4)];
const layoutOf = (
  positionsPerBatch: number,
  control: "none" | "twin-is-clip" | "random-freeze" = "none",
): ReturnType<typeof conversationPromptLayout> =>
  conversationPromptLayout(trainee, { positionsPerBatch, control, endToken: tinyEnd });
const judging = {
  decode: (tokens: readonly number[]) => tokens.join(" "),
  endToken: tinyEnd,
  entailment: tokenOverlapEntailment,
};
const draw = { completions: 3, maxNewTokens: 4, temperature: 0.7 };

test.each([64, 4096])(
  "batches of %i positions: every drawn token has the probability that it was drawn with",
  async (size) => {
    const layout = layoutOf(size);
    const options = { ...draw, refeedTries: 2, onExhausted: "baseOnly", control: "none", seed: 3 } as const;
    const groups = await rollOut({ trainee, layout, judging }, prompts, options, 1, true);
    // Some were drawn again behind the instruction, none of which can win here: mix them in by hand.
    const refed = prompts.map(
      (prompt): Shown<ConversationQuestion> => ({ prompt, side: "clip", refed: true }),
    );
    const again = await drawAnswers(
      { trainee, layout, judging },
      refed.map((shown, number) => ({ shown, number })),
      { size: prompts.length, length: layout.promptLength(refed) },
      draw,
      "again",
    );
    const judged = groups.map((group, p) => ({
      group: { ...group, complete: [...group.first, ...again.get(p)!] },
      advantages: new Float64Array(6).fill(1),
      weights: new Float64Array(6).fill(1),
    }));
    const { batches, feeds } = policyBatches(judged, { temperature: 0.7 }, trainee, layout);
    expect(batches.length > 1).toBe(size === 64);
    const scored: number[] = [];
    for (const batch of batches) {
      await using pass = await trainee.engine.forward([batch]);
      scored.push(...pass.outputs[0]!.tokenLogprobs);
    }
    expect(scored.every(Number.isFinite)).toBe(true);
    const own = scored.flatMap((logprob, m) =>
      feeds.weights[m]! > 0 ? [[logprob, feeds.oldLogprobs[m]!]] : [],
    );
    expect(own).toHaveLength(
      judged.flatMap(({ group }) => group.complete.flatMap(({ logprobs }) => logprobs)).length,
    );
    for (const [now, drawn] of own) expect(now!).toBeCloseTo(drawn!, 4);
    // Each completion weighs the same, whatever its length.
    expect(feeds.weights.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 5);
  },
);

test("pieces of any size draw the same completions, bit for bit, and as few prompts as they were told", async () => {
  const layout = layoutOf(4096);
  const many = [...prompts, question("d", 3, 2), question("e", 1, 4)];
  const sizes: number[][] = [];
  const roll = (positionsPerDraw?: number): Promise<unknown> => {
    const seen: number[] = [];
    sizes.push(seen);
    const engine = {
      sample: (request: SampleRequest) => {
        seen.push(request.batch.samples);
        return trainee.engine.sample(request);
      },
    } as unknown as typeof trainee.engine;
    const asking = { trainee: { ...trainee, engine }, layout, judging };
    const options = { ...draw, refeedTries: 2, onExhausted: "baseOnly", control: "none", seed: 5 } as const;
    return rollOut(asking, many, { ...options, ...(positionsPerDraw && { positionsPerDraw }) }, 1, true);
  };
  const whole = await roll();
  const each =
    draw.completions *
    (layout.promptLength(many.map((prompt) => ({ prompt, side: "clip", refed: false }))) + draw.maxNewTokens);
  for (const most of [4, 2]) expect(await roll(most * each)).toEqual(whole);
  // First both sides of all pairs, then the clip behind the instruction, which nothing can win here.
  expect(sizes).toEqual([
    [10, 5, 5],
    [4, 4, 4, 3, 3, 3, 3],
    [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
  ]);
});

test("who draws instead of the engine draws nothing twice", async () => {
  const layout = layoutOf(4096);
  const shown = prompts.map(
    (prompt): Shown<ConversationQuestion> => ({ prompt, side: "clip", refed: false }),
  );
  const numbered = shown.map((one, number) => ({ shown: one, number }));
  const place = { size: 2, length: layout.promptLength(shown) };
  const counts = async (name: "engine" | "rollouts"): Promise<number[]> => {
    const seen: number[] = [];
    const sample = (request: SampleRequest) => {
      seen.push(request.batch.samples);
      return trainee.engine.sample(request);
    };
    const engine = { sample } as unknown as typeof trainee.engine;
    const own = name === "engine" ? { trainee: { ...trainee, engine } } : { trainee, rollouts: { sample } };
    const drawn = await drawAnswers({ ...own, layout, judging }, numbered, place, draw, "twice");
    expect([...drawn.keys()].sort()).toEqual([0, 1, 2]);
    return seen;
  };
  expect(await counts("engine")).toEqual([2, 2]);
  expect(await counts("rollouts")).toEqual([2, 1]);
});

test("each side shows its own steps", () => {
  const shows = (control: Parameters<typeof layoutOf>[1], side: "clip" | "twin" | "compared"): string[] => {
    const { batch } = layoutOf(4096, control).prompts([{ prompt: prompts[1]!, side, refed: false }]);
    return batch.media.map(({ content }) => content);
  };
  const { media, absentSteps, frozenSteps } = prompts[1]!.clip;
  const [clip, twin] = [
    [media[0]!, media[1]!],
    [media[0]!, absentSteps.get(1)!],
  ].map((steps) => steps.map(({ content }) => content));
  expect(shows("none", "clip")).toEqual(clip);
  expect(shows("none", "compared")).toEqual(twin);
  expect(shows("twin-is-clip", "compared")).toEqual(clip);
  expect(shows("twin-is-clip", "twin")).toEqual(twin);
  expect(shows("random-freeze", "compared")).toEqual([frozenSteps!.get(0)!.content, media[1]!.content]);
});

test("the probability of a valid answer is that of all options, with and without the instruction", async () => {
  const layout = layoutOf(4096);
  const [plain, instructed] = [await layout.validity(prompts, false), await layout.validity(prompts, true)];
  for (const p of prompts.keys()) {
    expect(plain[p]!).toBeGreaterThan(0);
    expect(plain[p]!).toBeLessThan(1);
    expect(plain[p]!).not.toBe(instructed[p]!);
  }
  const alone = await layout.validity([prompts[2]!], false);
  expect(alone[0]!).toBeCloseTo(plain[2]!, 6);
});

test("pictures without a twin are asked about alone, and nothing is logged of a comparison", async () => {
  const layout = layoutOf(4096);
  const options = { ...draw, refeedTries: 0, onExhausted: "baseOnly", control: "none", seed: 3 } as const;
  const alone = prompts.map((prompt) => ({ ...prompt, hasTwin: false }));
  const asking = { trainee, layout, judging };
  const groups = await rollOut(asking, alone, options, 1, false);
  const logged = (some: typeof groups): Record<string, number> =>
    rolloutMetrics(
      some.map((group) => ({
        group,
        advantages: new Float64Array(3),
        weights: new Float64Array(3).fill(1),
        baseline: 0,
        verdicts: group.quality.map((quality) => ({
          total: 0,
          parts: {},
          quality,
          qualityAbsent: 0,
          exhausted: false,
        })),
      })),
      0,
    );
  for (const { absent, complete, refeeds } of groups) {
    expect(absent).toEqual([]);
    expect(complete).toHaveLength(3);
    expect(refeeds.every(({ status }) => status === "accepted")).toBe(true);
  }
  expect(logged(groups)).not.toHaveProperty("comparison");
  expect(logged(groups)).toHaveProperty("quality");
  // Beside one that has a twin, only that one is compared.
  const both = await rollOut(asking, [alone[0]!, prompts[1]!], options, 1, false);
  expect(both.map(({ absent }) => absent.length)).toEqual([0, 3]);
  const [, compared] = both;
  expect(logged(both)["qualityAbsent"]).toBeCloseTo(
    compared!.refeeds.reduce((sum, { qualityAbsent }) => sum + qualityAbsent, 0) / 3,
    10,
  );
});
