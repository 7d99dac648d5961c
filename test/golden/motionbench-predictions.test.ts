import { expect, test } from "vitest";
import { readPredictions } from "../../src/evaluation/predictions.ts";
import { motionBenchLetter } from "../../src/grading/official.ts";
import { extractOption } from "../../src/grading/options.ts";
import { sharedAvailable, sharedFile } from "../shared-data.ts";

test.skipIf(!sharedAvailable)(
  "MotionBench's own example of a prediction file reads, and both modes agree on bare letters",
  () => {
    const predictions = readPredictions(sharedFile("data/benchmarks/motionbench/random_answers.json"));
    const answers = predictions.views[0]!.answers[0]!;
    expect(answers.size).toBeGreaterThan(1000);
    expect([predictions.views.length, predictions.repeated, predictions.unusable]).toEqual([1, [], []]);
    const options = ["a1", "b1", "c1", "d1", "e1", "f1"];
    for (const { text } of answers.values()) {
      const answer = text!;
      const read = extractOption(answer, options).value;
      expect(read).not.toBeNull();
      expect(motionBenchLetter(answer)).toBe("ABCDEF"[read!]);
    }
  },
);
