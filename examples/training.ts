// Teaches a tiny model to tell dark clips from bright ones; the run folder holds what it logged.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentProgress } from "videoperceiver";
import { batchRules, openEngine, segmentTokensOf } from "videoperceiver/engine";
import { createRun, readRun, sftParams, type TrainingClip, trainSft } from "videoperceiver/training";
import { greyStep, tinyModel } from "./tiny-model.ts";

const place = mkdtempSync(join(tmpdir(), "videoperceiver-"));
const { folder, tokenizerFolder, config, tokenizer } = await tinyModel(place, ["which", "dark", "bright"]);
const clips = Array.from({ length: 16 }, (_, at): TrainingClip => {
  const answer = at % 2 === 0 ? "dark" : "bright";
  const level = (at % 2 === 0 ? 10 : 200) + 3 * at;
  return {
    id: `clip ${at}`,
    patches: { rows: 2, columns: 2, secondsPerStep: 0.5, steps: [greyStep(level)] },
    absentSteps: new Map(),
    keywords: [],
    texts: [
      {
        sampleId: `sample ${at}`,
        skill: "brightness",
        question: "which",
        answer,
        answerKind: "open",
        prompt: tokenizer.encode("which"),
        target: [...tokenizer.encode(answer), tokenizer.idOf("<|im_end|>")],
        aboutEvent: false,
      },
    ],
  };
});

const { engine } = await openEngine({ threads: 2 }, { folder, trained: "all" });
const options = sftParams.parse({
  steps: 60,
  clipsPerStep: 8,
  schedule: { learningRate: 1e-2, warmupSteps: 5 },
});
const out = join(place, "run");
{
  using run = createRun(out, options);
  const trainee = { engine, rules: batchRules(config), tokens: segmentTokensOf(tokenizer)!, tokenizerFolder };
  const context = { run, progress: silentProgress, signal: new AbortController().signal };
  await trainSft(trainee, clips, options, context);
}
await engine[Symbol.asyncDispose]();
const { metrics } = readRun(out);
const loss = (row: number): string => Number(metrics.at(row)!["loss"]).toFixed(2);
console.log(`loss ${loss(0)} -> ${loss(-1)} in ${metrics.length} steps`);
