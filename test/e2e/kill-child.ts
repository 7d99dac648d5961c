// A short SFT and a GRPO from its checkpoint, each in its run folder under the argument: what killed-training.ts kills.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../src/core/files.ts";
import { silentProgress } from "../../src/core/progress.ts";
import { createRun, type Run, resumeRun } from "../../src/runs/run.ts";
import { trainComparativeGrpo } from "../../src/training/comparative-grpo.ts";
import { sftLosses } from "../../src/training/contrast.ts";
import { grpoParams } from "../../src/training/grpo-options.ts";
import type { LoopContext, LoopResult } from "../../src/training/loop.ts";
import { trainSft } from "../../src/training/sft.ts";
import { sftParams } from "../../src/training/sft-options.ts";
import { instructedClips } from "../unit/training/grpo-runs.ts";
import { type TinyTrainee, tinyLanguage, tinyTrainee, toyClips } from "../unit/training/tiny.ts";

const out = process.argv[2]!;
makeFolder(out);
const schedule = { learningRate: 5e-3, warmupSteps: 3 };
const clips = toyClips(40);

/** Runs a stage in its folder, or goes on with it. @returns its last checkpoint */
const stage = async (
  name: string,
  from: string | undefined,
  train: (trainee: TinyTrainee, context: LoopContext) => Promise<LoopResult>,
): Promise<string> => {
  const folder = join(out, name);
  const trainee = tinyTrainee(out, { threads: 1 });
  const keep = { keepLast: 1 };
  using run: Run = existsSync(join(folder, "config.json"))
    ? resumeRun(folder, keep)
    : createRun(folder, { name }, keep);
  if (from !== undefined) await trainee.engine.load(from);
  await train(trainee, { run, progress: silentProgress, signal: new AbortController().signal });
  await trainee.engine[Symbol.asyncDispose]();
  return run.latest()!.folder;
};

const sft = await stage("sft", undefined, (trainee, context) => {
  const contrast = sftLosses({ block: 2, weight: 0.1, temperature: 0.05, dropout: 0.1 });
  const given = { steps: 9, checkpointEvery: 2, clipsPerStep: 8, schedule, seed: 5, ...contrast };
  return trainSft(trainee, instructedClips(clips), sftParams.parse(given), context);
});
await stage("grpo", sft, (trainee, context) => {
  const sizes = { steps: 7, checkpointEvery: 2, promptsPerStep: 6, completions: 4, maxNewTokens: 2 };
  const given = { ...sizes, schedule, seed: 5, updatesPerRollout: 2, comparison: "centred" };
  const prompts = clips.flatMap((clip) => clip.texts.map((text) => ({ clip, text })));
  const options = grpoParams.parse({ ...given, prefilter: { draws: 4, share: 0.9 } });
  return trainComparativeGrpo(trainee, prompts, options, tinyLanguage, context);
});
