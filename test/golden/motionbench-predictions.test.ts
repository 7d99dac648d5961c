import { expect, test } from "vitest";
import { readPredictions } from "../../src/evaluation/predictions.ts";
import { motionBenchLetter } from "../../src/grading/official.ts";
import { extractOption } from "../../src/grading/options.ts";
import { sharedAvailable, sharedFile } from "../shared-data.ts";

test.skipIf(!sharedAvailable)(
  "MotionBench's own example of a prediction file reads, and both modes agree on bare letters",
  () => {
    const predictions = readPredictions(sharedFile("data/benchmarks/motionbench/random_answers.json"));
    expect(predictions.size).toBeGreaterThan(1000);
    const options = ["a1", "b1", "c1", "d1", "e1", "f1"];
    for (const answer of predictions.values()) {
      const read = extractOption(answer, options).value;
      expect(read).not.toBeNull();
      expect(motionBenchLetter(answer)).toBe("ABCDEF"[read!]);
    }
  },
);
