/** Formulas of time and memory against numbers that were counted by hand, and against each other. */
import { expect, test } from "vitest";
import { partSizes, trainedSize, trainingOperations } from "../../../src/jobs/train/model-cost.ts";
import { modelShape } from "../../../src/jobs/train/model-shapes.ts";
import { type PlanRequest, planRun } from "../../../src/jobs/train/plan-request.ts";

const shown = {
  clips: 1600,
  frames: 32,
  pixels: 200_704,
  questionTokens: 40,
  answerTokens: 60,
  replaced: 1 / 3,
};
const request: PlanRequest = {
  recipe: "sft",
  settings: {},
  model: "7B",
  shown,
  gpu: "a100",
  gpus: 1,
  memoryBytes: undefined,
  utilisation: 0.4,
};

test("sizes of the released shapes, counted by hand", async () => {
  const seven = partSizes(await modelShape("7B"));
  const attention = 2 * 3584 * 3584 + 2 * 3584 * 512;
  expect(seven.languageMatrices).toBe(28 * (attention + 3 * 3584 * 18_944));
  expect(seven.table).toBe(152_064 * 3584);
  const block = 4 * 1280 * 1280 + 3 * 1280 * 3420;
  expect(seven.visionMatrices).toBe(32 * block + 1280 * 1176);
  expect(seven.mergerMatrices).toBe(5120 * 5120 + 5120 * 3584);
  expect(seven.all / 1e9).toBeCloseTo(8.29, 2);
  const three = await modelShape("3b");
  expect(partSizes(three).all / 1e9).toBeCloseTo(3.75, 2);
  const lora = { rank: 8, alpha: 16, targets: "all-linear", rsLora: false, vision: false };
  // All seven modules of 36 blocks.
  const widths = 2 * (2048 + 2048) + 2 * (2048 + 256) + 2 * (2048 + 11_008) + (11_008 + 2048);
  expect(trainedSize(three, { trained: "all", lora })).toBe(36 * 8 * widths);
  await expect(modelShape("9B")).rejects.toThrow(
    /^no such shape or folder: --model; expected 3B, 7B, or a folder/,
  );
});

test("operations of one position through a whole model: six a number, eight with a second forward", async () => {
  const config = await modelShape("7B");
  const { languageMatrices, table } = partSizes(config);
  const flow = { patches: 0, positions: 1, context: 0, depth: 1, scored: 1 };
  const all = { trained: "all" as const, lora: null };
  expect(trainingOperations(flow, config, all)).toBe(6 * (languageMatrices + table));
  expect(trainingOperations(flow, config, all, 1)).toBe(8 * (languageMatrices + table));
  const context = { ...flow, scored: 0, context: 1000 };
  expect(trainingOperations(context, config, all)).toBe(6 * languageMatrices + 3 * 4 * 1000 * 28 * 3584);
});

test("a step of SFT is what its clips hold", async () => {
  const plan = await planRun(request);
  // 16 clips of 4,096 visual tokens and four texts of 100, rounded up to 5,120 positions; all is passed four times, and the scores
  // of attention once more.
  const { languageMatrices, table, visionMatrices, mergerMatrices } = partSizes(await modelShape("7B"));
  const attention = 16 * 5120 * 4 * 5120 * 3584 * 28;
  const language = 16 * 5120 * 2 * languageMatrices + attention + 2 * 16 * 4 * 60 * table;
  const vision = 2 * 16 * 16_384 * visionMatrices + 2 * 16 * 4096 * mergerMatrices;
  const operations = 4 * (language + vision) + attention / 2;
  expect((plan.operationsPerSecond * plan.secondsPerStep) / operations).toBeCloseTo(1, 9);
  expect(plan.sheetShare).toBeCloseTo(plan.operationsPerSecond / 312e12, 12);
  // Products alone would take so long; all that lies between them is more than a third of it.
  const alone = operations / (312e12 * 0.4);
  expect(plan.parts.training).toBeGreaterThan(1.3 * alone);
  expect(plan.parts.training).toBeLessThan(2 * alone);
  expect(plan.parts.drawing).toBe(0);
  expect(plan.steps).toBe(100);
  expect(plan.gpuHours).toBeCloseTo((100 * plan.secondsPerStep) / 3600, 9);
});

test("contrast costs what it may at most: a third of the tower, two reads up to its block, and what rows three times as long have", async () => {
  const plain = await planRun(request);
  const contrasted = await planRun({ ...request, recipe: "videoperceiver-sft" });
  const more = contrasted.parts.training / plain.parts.training;
  expect(more).toBeGreaterThan(1.5);
  expect(more).toBeLessThan(1 + 1 / 3 + (16 / 28) * 2);
});

test("more GPUs are quicker and need less each; an adapter needs less; what does not fit says where it does", async () => {
  const one = await planRun({ ...request, memoryBytes: 80e9 });
  const eight = await planRun({ ...request, gpus: 8, memoryBytes: 80e9 });
  // Blocks are gathered whole by each of them.
  expect(eight.seconds).toBeGreaterThan(one.seconds / 8.001);
  expect(eight.seconds).toBeLessThan(one.seconds / 7);
  expect(one.fits).toBe(false);
  expect(one.fitsFrom).toBe(4);
  // 16 clips are spread over no more than 16.
  const many = [16, 64].map(async (gpus) => (await planRun({ ...request, gpus })).parts.training);
  const [sixteen, more] = await Promise.all(many);
  expect(more).toBe(sixteen);
  expect(eight.fits).toBe(true);
  expect(eight.bytes.all).toBeLessThan(one.bytes.all / 3);
  // Weights, gradient and two moments in four bytes each.
  expect((one.bytes.weights + one.bytes.optimizer) / 16e9).toBeCloseTo(8.29, 1);
  const adapted = await planRun({ ...request, settings: { lora: { rank: 32 } } });
  expect(adapted.bytes.all).toBeLessThan(one.bytes.all / 3);
  expect(adapted.seconds).toBeLessThan(one.seconds);
  const none = await planRun({ ...request, memoryBytes: 1e9 });
  expect(none.fitsFrom).toBeUndefined();
});

test("Comparative GRPO: drawing, refeeds, a reference and the prompts' filter each cost something", async () => {
  const grpo = { ...request, recipe: "videoperceiver-grpo" };
  const whole = await planRun(grpo);
  expect(whole.secondsBefore).toBeGreaterThan(0);
  expect(whole.parts.drawing).toBeGreaterThan(0);
  for (const settings of [
    { refeedTries: 0 },
    { beta: 0 },
    { completions: 4 },
    { maxNewTokens: 16 },
    { prefilter: { draws: 0 } },
    { lambda: 0 },
  ])
    expect((await planRun({ ...grpo, settings })).seconds, JSON.stringify(settings)).toBeLessThan(
      whole.seconds,
    );
  // The filter looks at no more prompts than the steps reach.
  const tenth = await planRun({ ...grpo, settings: { steps: whole.steps / 10 } });
  expect(tenth.secondsBefore).toBeCloseTo(whole.secondsBefore / 10, 6);
  const served = { rollouts: { name: "vllm", params: { url: "http://127.0.0.1:1" } } };
  expect((await planRun({ ...grpo, settings: served })).seconds).toBeGreaterThan(whole.seconds);
  expect((await planRun({ ...grpo, settings: { beta: 0 } })).bytes.weights).toBeLessThan(whole.bytes.weights);
});

test("what cannot be planned: one line", async () => {
  await expect(planRun({ ...request, recipe: "relevance" })).rejects.toThrow(
    "nothing to plan; expected a recipe",
  );
  await expect(planRun({ ...request, gpu: "abacus" })).rejects.toThrow(
    /no rate is known; expected a100, .*; got abacus/,
  );
  await expect(planRun({ ...request, recipe: "stf" })).rejects.toThrow('did you mean "sft"');
});
