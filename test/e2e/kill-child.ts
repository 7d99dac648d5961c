// A short SFT, an adapter trained on its checkpoint (accumulating, validating), and a GRPO from it, each in its run folder under the argument: what killed-training.ts kills.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../src/core/files.ts";
import { silentProgress } from "../../src/core/progress.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openEngine } from "../../src/engine/engines.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { createRun, type Run, resumeRun } from "../../src/runs/run.ts";
import { trainComparativeGrpo } from "../../src/training/comparative-grpo.ts";
import { sftLosses } from "../../src/training/contrast.ts";
import { grpoParams } from "../../src/training/grpo-options.ts";
import type { LoopContext, LoopResult, Trainee } from "../../src/training/loop.ts";
import { trainSft } from "../../src/training/sft.ts";
import { sftParams } from "../../src/training/sft-options.ts";
import { newAdapter } from "../../src/weights/new-adapter.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import { instructedClips } from "../unit/training/grpo-runs.ts";
import { tinyConfig, tinyLanguage, tinyTokens, tinyTrainee, toyClips } from "../unit/training/tiny.ts";

const out = process.argv[2]!;
makeFolder(out);
const schedule = { learningRate: 5e-3, warmupSteps: 3 };
const clips = toyClips(40);

/** Runs a stage in its folder, or goes on with it. @returns its last checkpoint */
const stage = async (
  name: string,
  from: string | undefined,
  train: (trainee: Trainee, context: LoopContext) => Promise<LoopResult>,
  trainee: Trainee = tinyTrainee(out, { threads: 1 }),
): Promise<string> => {
  const folder = join(out, name);
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
const adapterFolder = join(out, "new-adapter");
if (!existsSync(adapterFolder)) {
  const model = adaptedModel(tinyConfig());
  const shape = { targets: "all-linear", rank: 2, alpha: 4, rsLora: true, base: sft };
  writeAdapter(adapterFolder, newAdapter(model, shape, seededRandom("kill")), model);
}
const request = { folder: sft, trained: "adapter", adapterFolder } as const;
const { engine } = await openEngine({ threads: 1 }, request);
const adapted = { engine, rules: batchRules(tinyConfig()), tokens: tinyTokens, tokenizerFolder: out };
const heldOut = toyClips(4, 2).map((clip) => ({ clip, frozenSteps: clip.absentSteps }));
const lora = (trainee: Trainee, context: LoopContext): Promise<LoopResult> => {
  const groups = [{ name: "b", pattern: "lora_B", learningRateFactor: 4 }];
  const sizes = { steps: 8, checkpointEvery: 3, clipsPerStep: 8, batchesPerStep: 4 };
  const given = { ...sizes, schedule, seed: 5, optimizer: { groups }, watch: { validateEvery: 2 } };
  return trainSft(trainee, instructedClips(clips), sftParams.parse(given), context, { heldOut });
};
await stage("lora", undefined, lora, adapted);
await stage("grpo", sft, (trainee, context) => {
  const sizes = { steps: 7, checkpointEvery: 2, promptsPerStep: 6, completions: 4, maxNewTokens: 2 };
  const given = { ...sizes, schedule, seed: 5, updatesPerRollout: 2, comparison: "centred" };
  const prompts = clips.flatMap((clip) => clip.texts.map((text) => ({ clip, text })));
  const options = grpoParams.parse({ ...given, prefilter: { draws: 4, share: 0.9 } });
  return trainComparativeGrpo(trainee, prompts, options, tinyLanguage, context);
});
