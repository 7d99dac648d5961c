/** Comparative GRPO by the engine torch: the same draws, rewards and updates as by the embedded engine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEngine } from "../../src/engine/engines.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";
import { beginner, grpo, instructedClips } from "../unit/training/grpo-runs.ts";
import { type TinyTrainee, tinyConfig, toyClips } from "../unit/training/tiny.ts";
import { oracleMissing, oraclePython } from "./python.ts";

const isMissing = oracleMissing("Comparative GRPO by the engine torch");

describe.skipIf(isMissing)("Comparative GRPO", () => {
  let work: string;
  let trainee: TinyTrainee;
  let checkpoint: string;
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), "torch-grpo-"));
    trainee = await beginner(work);
    checkpoint = join(work, "checkpoint");
    saveCheckpoint(checkpoint, tinyConfig(), trainee.store.tensors(), { dtype: "float32" });
  });
  afterAll(async () => {
    await trainee.engine[Symbol.asyncDispose]();
    rmSync(work, { recursive: true, force: true });
  });

  const run = async (engine: string): Promise<string> => {
    const opened = await openEngine({ engine, threads: 1 }, { folder: checkpoint, trained: "all" });
    await using _ = opened.engine;
    const given = { steps: 3, updatesPerRollout: 2, beta: 0.1, seed: 5 };
    return await grpo(work, { ...trainee, engine: opened.engine }, instructedClips(toyClips(24)), given);
  };

  test.each([1, 2])(
    "3 steps with a reference, ranks: %i; completions are equal, loss and norms to rounding",
    async (ranks) => {
      const [expected, got] = [await run("onnx"), await run(`torch:python=${oraclePython},ranks=${ranks}`)];
      const drawn = readRollouts(expected);
      const texts = (folder: string): unknown[] =>
        readRollouts(folder).map((row) =>
          JSON.stringify(row, (key, value) => (/logprob/i.test(key) ? 0 : value)),
        );
      expect(drawn.length).toBeGreaterThan(8);
      expect(texts(got)).toEqual(texts(expected));
      const [own, other] = [readRun(got).metrics, readRun(expected).metrics];
      expect(own).toHaveLength(3);
      own.forEach((row, i) => {
        const wanted = other[i]!;
        // The loss is about 0 where the advantages of a group are: it is held against its parts' size.
        expect(Math.abs(row["loss"]! - wanted["loss"]!)).toBeLessThan(1e-4);
        expect(row["gradientNorm"]! / wanted["gradientNorm"]!).toBeCloseTo(1, 3);
        expect(row["gradientNorm"]!).toBeGreaterThan(0);
      });
    },
  );
});
