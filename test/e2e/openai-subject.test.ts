import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { frameIndex, seconds } from "../../src/core/units.ts";
import type { BenchmarkSample } from "../../src/evaluation/benchmarks.ts";
import { type EvaluateOptions, type EvaluationResult, evaluate } from "../../src/evaluation/evaluate.ts";
import { interventionRegistry } from "../../src/evaluation/interventions.ts";
import { metricsFor } from "../../src/evaluation/metrics.ts";
import { standardPrompt } from "../../src/evaluation/prompt.ts";
import { scoreView } from "../../src/evaluation/score.ts";
import { subjectRegistry } from "../../src/evaluation/subject.ts";
import type { FrameSource } from "../../src/frames/read-frames.ts";
import { sampleOf } from "../contract/sample-fixture.ts";
import { mediaOf, type StandIn, startStandIn, type Trouble, textOf } from "../stand-in/openai-endpoint.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "openai-subject-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let decodes = 0;
/** Frames whose every byte is their index. */
const frames: FrameSource = {
  async *frames(_file, { select }) {
    decodes++;
    const indices = select.kind === "indices" ? select.indices : [];
    const [width, height] = [28, 28];
    const pixels = new Uint8Array(indices.length * width * height * 3);
    indices.forEach((index, at) => {
      pixels.fill(index, at * width * height * 3, (at + 1) * width * height * 3);
    });
    const timed = indices.map((index) => ({ index: frameIndex(index), timeSeconds: seconds(index / 25) }));
    yield { width, height, pixels, frames: timed };
  },
};

const questions = (count: number, perClip = 4): BenchmarkSample[] =>
  Array.from({ length: count }, (_, i) => {
    const clip = `clip-${Math.floor(i / perClip)}`;
    const sample = sampleOf(`${clip}#${i}`, 50, [20, 24]);
    return { ...sample, clip: { ...sample.clip, file: `${clip}.mp4` } };
  });

const asked = async (
  standIn: StandIn,
  params: object,
  over: Partial<EvaluateOptions> & { readonly answersFolder?: string } = {},
): Promise<EvaluationResult> => {
  const { answersFolder, ...options } = over;
  const { value: open } = await subjectRegistry.make("openai", {
    endpoint: `${standIn.baseUrl}#tiny`,
    backoffSeconds: 0.01,
    ...params,
  });
  await using subject = await open({
    frames,
    video: { write: async () => Promise.reject(new Error("no writer here")) },
    clipFolder: "",
    prompt: standardPrompt,
    openModel: () => Promise.reject(new Error("no model here")),
    seed: 0,
    warn: () => {},
    ...(answersFolder === undefined ? {} : { answersFolder }),
  });
  return await evaluate({
    samples: questions(1000),
    subject,
    interventions: [await interventionRegistry.make("complete")],
    frames: { value: () => [0, 10, 20, 30], recipe: { name: "some", params: {} } },
    benchmark: { recipe: { name: "world", params: {} }, version: "1", split: null },
    runId: "r",
    seed: 1,
    batchSize: 1,
    concurrency: subject.concurrency ?? 1,
    clipByClip: true,
    onPlanned: (requests) => subject.plan?.(requests),
    ...options,
  });
};

const numberOf = (text: string): number => Number(/#(\d+)/.exec(text)![1]);

test("a thousand questions to a server that fails in every way: every outcome is accounted for", async () => {
  const lasting: Readonly<Record<number, Trouble>> = {
    1: "server-error",
    2: "wrong-json",
    3: "no-choices",
    4: "no-text",
    5: "cut-off",
    6: "hang",
    7: "filtered",
    8: "too-long",
    9: "bad-request",
  };
  const passing: readonly Trouble[] = ["rate-limit", "server-error", "wrong-json", "cut-off"];
  await using standIn = await startStandIn({
    answer: (request) => (numberOf(textOf(request)) % 2 === 0 ? "B" : "I see nothing of the kind"),
    trouble: ({ text, tries }) => {
      const number = numberOf(text);
      return number < 10
        ? lasting[number]
        : tries === 0 && number % 10 === 0
          ? passing[(number / 10) % 4]
          : undefined;
    },
  });
  decodes = 0;
  const { records } = await asked(standIn, { concurrency: 16, deadlineSeconds: 2, attempts: 3 });
  expect(records.length).toBe(1000);
  expect(records.map(({ questionId }) => numberOf(questionId))).toEqual(
    Array.from({ length: 1000 }, (_, i) => i),
  );
  const of = (number: number): unknown => {
    const { finishReason, outcome, attempts, error } = records[number]!;
    return [finishReason, outcome, attempts, error?.split(":")[0] ?? null];
  };
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(of)).toEqual([
    ["stop", "right", 1, null],
    ["error", "failed", 3, "server-error"],
    ["error", "failed", 3, "malformed"],
    ["error", "failed", 3, "malformed"],
    ["error", "failed", 3, "empty"],
    ["error", "failed", 3, "unreachable"],
    ["timeout", "failed", 1, "deadline"],
    ["refused", "refused", 1, "stopped by the endpoint's content filter"],
    ["length", "right", 1, null],
    ["refused", "refused", 1, "refused"],
  ]);
  // Troubles that pass are asked again, and the answer counts.
  expect([10, 20, 30, 40].map(of)).toEqual(new Array(4).fill(["stop", "right", 2, null]));
  const { outcomes, accuracy } = scoreView(records, await metricsFor(["accuracy"]), "strict");
  expect(outcomes).toEqual({
    right: 497,
    wrong: 0,
    unread: 495,
    empty: 0,
    missing: 0,
    failed: 6,
    refused: 2,
    unscored: 0,
  });
  expect(accuracy).toMatchObject({ value: 0.497, questions: 1000 });
  expect(decodes).toBe(250);
});

test("questions at the same time take at most a sixth of the time of one after the other", async () => {
  await using standIn = await startStandIn({ answer: () => "B", delayMilliseconds: 150 });
  const timed = async (concurrency: number): Promise<number> => {
    const started = performance.now();
    await asked(standIn, { concurrency }, { samples: questions(32) });
    return performance.now() - started;
  };
  const serial = await timed(1);
  const parallel = await timed(16);
  expect(standIn.mostAtOnce()).toBe(16);
  expect(serial / parallel).toBeGreaterThan(6);
});

test("a rate is kept, also by retries", async () => {
  await using standIn = await startStandIn({
    answer: () => "B",
    trouble: ({ tries }) => (tries === 0 ? "server-error" : undefined),
  });
  const started = performance.now();
  await asked(standIn, { concurrency: 16, requestsPerMinute: 3000 }, { samples: questions(10) });
  expect(standIn.requests.length).toBe(20);
  expect(performance.now() - started).toBeGreaterThan(19 * 20 - 5);
});

test("the same question is asked once: answers are kept by content, failures are not", async () => {
  let broken = true;
  await using standIn = await startStandIn({
    answer: () => "B",
    trouble: ({ text }) => (broken && numberOf(text) === 3 ? "bad-request" : undefined),
  });
  const options = { samples: questions(8), answersFolder: join(folder, "answers") };
  const first = await asked(standIn, {}, options);
  expect([standIn.requests.length, first.records.filter(({ correct }) => correct).length]).toEqual([8, 7]);
  broken = false;
  const again = await asked(standIn, {}, options);
  expect([standIn.requests.length, again.records.filter(({ correct }) => correct).length]).toEqual([9, 8]);
  expect(again.records.map(({ attempts }) => attempts)).toEqual([0, 0, 0, 1, 0, 0, 0, 0]);
  await asked(standIn, { maxNewTokens: 7 }, options);
  expect(standIn.requests.length).toBe(17);
});

test("pictures go as images, with times where wanted, or as one video of JPEGs; blind sends none", async () => {
  await using standIn = await startStandIn({ answer: () => "B" });
  const send = async (params: object, view = "complete"): Promise<readonly [string, string[]]> => {
    const interventions = [await interventionRegistry.choose(view)];
    await asked(standIn, params, { samples: questions(1), interventions });
    const request = standIn.requests.at(-1)!;
    return [textOf(request), mediaOf(request)];
  };
  const [plain, images] = await send({});
  expect(plain).toBe(
    "What happens in clip-0#0?\nA. hop\nB. flash\nAnswer with the letter of the right option only.",
  );
  expect(images.map((url) => url.slice(0, 23))).toEqual(new Array(4).fill("data:image/jpeg;base64,"));
  expect((await send({ times: true }))[0]).toContain("0.00 s\n0.40 s\n0.80 s\n1.20 s\nWhat");
  const [, [video, ...none]] = await send({ pictures: "jpeg_video_url" });
  expect([video!.slice(0, 23), video!.split(",").length, none.length]).toEqual([
    "data:video/jpeg;base64,",
    5,
    0,
  ]);
  const [said, [grid, ...others]] = await send({ pictures: "grid" });
  // Neither their number nor their order in time: benchmarks ask for both.
  expect(said).toMatch(
    /^The picture shows frames of one video in the order in which the video .*\nWhat happens/s,
  );
  expect(said.split("\nWhat")[0]).not.toMatch(/\d|time/);
  const one = await sharp(Buffer.from(images[0]!.split(",")[1]!, "base64")).metadata();
  const all = await sharp(Buffer.from(grid!.split(",")[1]!, "base64")).metadata();
  expect([all.width * all.height, others.length]).toEqual([4 * one.width * one.height, 0]);
  expect((await send({}, "blind"))[1]).toEqual([]);
  expect((await send({ pictures: "grid" }, "blind"))[1]).toEqual([]);
  expect((await send({}, "budget:2"))[1].length).toBe(2);
});

test("a streamed answer is put together, and one that breaks off is asked again", async () => {
  await using standIn = await startStandIn({
    answer: () => "B. flash",
    trouble: ({ tries }) => (tries === 0 ? "cut-off" : undefined),
  });
  const { records } = await asked(standIn, { stream: true }, { samples: questions(3) });
  expect(records.map(({ rawOutput, attempts, usage }) => [rawOutput, attempts, usage?.promptTokens])).toEqual(
    new Array(3).fill(["B. flash", 2, 100]),
  );
});
