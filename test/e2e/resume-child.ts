// The program that resume.test.ts kills: trains a tiny model in the run folder of its second argument, or goes on with it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../../src/core/progress.ts";
import { createRun, resumeRun } from "../../src/runs/run.ts";
import { trainComparativeGrpo } from "../../src/training/comparative-grpo.ts";
import { sftLosses } from "../../src/training/contrast.ts";
import { grpoParams } from "../../src/training/grpo-options.ts";
import { trainSft } from "../../src/training/sft.ts";
import { sftParams } from "../../src/training/sft-options.ts";
import { instruction, tinyLanguage, tinyTrainee, toyClips } from "../unit/training/tiny.ts";

const [kind, folder] = [process.argv[2]!, process.argv[3]!];
const stop = new AbortController();
process.on("SIGINT", () => stop.abort());
const options = {
  steps: 14,
  checkpointEvery: 3,
  schedule: { learningRate: 5e-3, warmupSteps: 3 },
  seed: 5,
};
const progress: Progress = {
  update: (step) => void (step > 0 && process.stdout.write(`step ${step}\n`)),
  log: () => {},
};
const clips = toyClips(40);
const trainee = tinyTrainee(folder, { threads: 1 });
using run = existsSync(join(folder, "config.json"))
  ? resumeRun(folder, { keepLast: 1 })
  : createRun(folder, { kind }, { keepLast: 1 });
const context = { run, progress, signal: stop.signal };
try {
  if (kind === "sft") {
    const contrast = sftLosses({ block: 2, weight: 0.1, temperature: 0.05, dropout: 0.1 });
    await trainSft(trainee, clips, sftParams.parse({ ...options, clipsPerStep: 8, ...contrast }), context);
  } else if (kind === "sft-memory") {
    // Everything that keeps something between steps: a queue, a second update a step, looks at held-out clips.
    const usual = { block: 2, weight: 0.1, temperature: 0.05, dropout: 0.1 };
    const contrast = sftLosses({ ...usual, queue: 12, learningRate: 2e-3, bothViews: true });
    const heldOut = toyClips(6, 2).map((clip) => ({ clip, frozenSteps: clip.absentSteps }));
    const own = { ...options, clipsPerStep: 4, instructionShare: 0.3, monitor: { every: 4 }, ...contrast };
    await trainSft(trainee, clips, sftParams.parse(own), context, { heldOut, instruction });
  } else {
    const prompts = clips.flatMap((clip) => clip.texts.map((text) => ({ clip, text })));
    const given = {
      ...options,
      promptsPerStep: 6,
      completions: 4,
      maxNewTokens: 2,
      rewards: { accuracy: 1 },
    };
    await trainComparativeGrpo(trainee, prompts, grpoParams.parse(given), tinyLanguage, context);
  }
} catch (error) {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
  process.exitCode = 130;
} finally {
  await trainee.engine[Symbol.asyncDispose]();
}
