import { describe, expect, test } from "vitest";
import {
  type Benchmark,
  type BenchmarkQuestion,
  benchmarkRegistry,
  chanceOf,
  gradeQuestion,
} from "../../src/evaluation/benchmarks.ts";
import { scorePredictions } from "../../src/evaluation/score.ts";

const load = async (
  name: string,
): Promise<{ benchmark: Benchmark; questions: readonly BenchmarkQuestion[] }> => {
  const { value: benchmark } = await benchmarkRegistry.make(name);
  const file = new URL(`./benchmark-data/${name}.jsonl`, import.meta.url).pathname;
  return { benchmark, questions: await benchmark.questions(file) };
};

describe.each(benchmarkRegistry.names())("benchmark %s", (name) => {
  test("reads its annotations: questions with unique names, clips, and options that hold the answer", async () => {
    const { questions } = await load(name);
    expect(questions.length).toBeGreaterThan(1);
    expect(new Set(questions.map(({ id }) => id)).size).toBe(questions.length);
    for (const { videoId, skill, question } of questions)
      for (const text of [videoId, skill, question]) expect(text).not.toBe("");
  });
  test("the perfect answer scores 1 and the empty answer 0", async () => {
    const { benchmark, questions } = await load(name);
    for (const question of questions) {
      if (question.answer === null) {
        expect(gradeQuestion(question, "A", "strict")).toBeNull();
        continue;
      }
      expect(gradeQuestion(question, question.answer, "strict")).toMatchObject({ correct: true, score: 1 });
      expect(gradeQuestion(question, "", "strict")).toMatchObject({ correct: false, score: 0 });
      if (benchmark.officialRule !== null)
        expect(gradeQuestion(question, question.answer, benchmark.officialRule)?.correct).toBe(true);
    }
    const perfect = new Map(questions.map(({ id, answer }) => [id, answer ?? ""]));
    expect(scorePredictions(name, benchmark, questions, perfect, "strict").accuracy.value).toBe(1);
    const nothing = scorePredictions(name, benchmark, questions, new Map(), "strict");
    expect(nothing.accuracy.value).toBe(0);
    expect(nothing.missing).toBe(nothing.scored);
  });
  test("chance is a share, or not defined", async () => {
    for (const question of (await load(name)).questions) {
      const chance = chanceOf(question);
      if (chance === null) continue;
      expect(chance).toBeGreaterThan(0);
      expect(chance).toBeLessThanOrEqual(0.5);
    }
  });
});
