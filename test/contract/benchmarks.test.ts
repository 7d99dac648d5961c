import { describe, expect, test } from "vitest";
import { ConfigError, UnknownNameError } from "../../src/core/errors.ts";
import { questionText } from "../../src/dataset/question.ts";
import {
  type Benchmark,
  type BenchmarkSample,
  benchmarkRegistry,
  clusterOf,
} from "../../src/evaluation/benchmarks.ts";
import { chanceOf } from "../../src/evaluation/chance.ts";
import { evaluate } from "../../src/evaluation/evaluate.ts";
import { metricsFor } from "../../src/evaluation/metrics.ts";
import type { EvaluationRecord } from "../../src/evaluation/records.ts";
import { scoreView } from "../../src/evaluation/score.ts";

const load = async (name: string): Promise<{ benchmark: Benchmark; samples: readonly BenchmarkSample[] }> => {
  const { value: benchmark } = await benchmarkRegistry.make(name);
  const file = new URL(`./benchmark-data/${name}.jsonl`, import.meta.url).pathname;
  return { benchmark, samples: await benchmark.samples(file) };
};

/** What a subject that says `text` gets. */
const answered = async (
  name: string,
  text: (sample: BenchmarkSample) => string,
): Promise<readonly EvaluationRecord[]> => {
  const { benchmark, samples } = await load(name);
  const { records } = await evaluate({
    samples,
    subject: {
      name: "talker",
      answer: async (batch) => batch.map(({ sample }) => ({ text: text(sample), finishReason: "stop" })),
    },
    interventions: [{ value: () => ({ shown_T: [] }), recipe: { name: "complete", params: {} } }],
    frames: { value: () => [], recipe: { name: "none", params: {} } },
    benchmark: { recipe: { name, params: {} }, version: "1", split: null },
    runId: "contract",
    seed: 1,
    ...(benchmark.officialRule === undefined ? {} : { official: benchmark.officialRule }),
  });
  return records;
};

describe.each(benchmarkRegistry.names())("benchmark %s", (name) => {
  test("reads its annotations: samples with unique names, clips and texts", async () => {
    const { samples } = await load(name);
    expect(samples.length).toBeGreaterThan(1);
    expect(new Set(samples.map(({ id }) => id)).size).toBe(samples.length);
    for (const sample of samples)
      for (const text of [clusterOf(sample), sample.clip.file, questionText(sample)])
        expect(text).not.toBe("");
  });
  test("names metrics that there are, accuracy or another one of its own first", async () => {
    const { benchmark } = await load(name);
    expect(benchmark.metrics.length).toBeGreaterThan(0);
    const metrics = await metricsFor(benchmark.metrics);
    expect(new Set(metrics.map((metric) => metric.name)).size).toBe(metrics.length);
    for (const { summary } of metrics) expect(summary).not.toBe("");
  });
  test("the perfect answer scores 1 and the empty answer 0, by every metric that the benchmark names", async () => {
    const { benchmark } = await load(name);
    const perfect = await answered(name, ({ answer }) => answer ?? "A");
    const nothing = await answered(name, () => "");
    for (const { outcome, gold, correctOfficial } of perfect) {
      expect(outcome).toBe(gold === null ? "unscored" : "right");
      expect(correctOfficial).toBe(gold === null || benchmark.officialRule === undefined ? null : true);
    }
    const own = new Set(benchmark.metrics.map((one) => (typeof one === "string" ? one : one.name)));
    const metrics = (await metricsFor(benchmark.metrics)).filter((metric) => own.has(metric.name));
    for (const [records, expected] of [
      [perfect, 1],
      [nothing, 0],
    ] as const) {
      const view = scoreView(records, metrics, "strict");
      expect(view.accuracy.value).toBe(expected);
      for (const { value, name: metric } of view.metrics) {
        // METEOR of equal texts stays a little below 1.
        if (expected === 1 && metric === "meteor-nltk") expect(value!.low).toBeGreaterThan(0.99);
        else expect(value).toMatchObject({ value: expected, low: expected, high: expected });
      }
    }
  });
  test("chance is a share, or not defined", async () => {
    for (const record of await answered(name, () => "")) {
      const chance = chanceOf(record);
      if (chance === null) continue;
      expect(chance).toBeGreaterThan(0);
      expect(chance).toBeLessThanOrEqual(0.5);
    }
  });
  test("refuses unknown parameters", async () => {
    await expect(benchmarkRegistry.make(name, { noSuchParameter: 1 })).rejects.toThrow(ConfigError);
  });
});

test("a metric that no file has is named", async () => {
  await expect(metricsFor(["accurracy"])).rejects.toThrow(UnknownNameError);
  await expect(metricsFor(["accurracy"])).rejects.toThrow('did you mean "accuracy"');
});
