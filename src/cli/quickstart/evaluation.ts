import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { OnnxEngine } from "../../engine/onnx/engine.ts";
import { loadStore } from "../../engine/onnx/open.ts";
import { evaluate } from "../../evaluation/evaluate.ts";
import { interventionRegistry } from "../../evaluation/interventions.ts";
import { type EvaluationRecord, writeRecord } from "../../evaluation/records.ts";
import checkpointSubject from "../../evaluation/subjects/checkpoint.ts";
import { patchesOf } from "../../jobs/quickstart/clips.ts";
import type { PairedClip } from "../../jobs/quickstart/pairs.ts";
import { testLabel } from "../../jobs/quickstart/plan.ts";
import { questionOf, type StageContext } from "../../jobs/quickstart/training.ts";

/** A trained stage to be tested. */
export interface TestedStage {
  /** As in the report's table. */
  readonly title: string;
  readonly checkpoint: string;
  /** Test it without pictures too. */
  readonly blind: boolean;
}

/** Answers of one checkpoint to every closed question about the held-out clips, under each intervention. */
export const testStage = async (
  stage: TestedStage,
  clips: readonly PairedClip[],
  worldHash: string,
  context: StageContext,
): Promise<readonly EvaluationRecord[]> => {
  const { recipe, language, out } = context;
  const { config, store } = await loadStore(stage.checkpoint, "none");
  await using engine = new OnnxEngine(config, store, undefined, { threads: recipe.threads, keptPlans: 4 });
  const byClip = new Map(clips.map((clip) => [clip.sha256, clip]));
  const places = new Map(
    clips.map(({ sha256, frames }) => [
      sha256,
      new Map(frames.frames.map(({ index }, at) => [index as number, at])),
    ]),
  );
  const subject = checkpointSubject({
    name: stage.title,
    recipe: { name: "checkpoint", params: { steps: stage.checkpoint.slice(out.length + 1) } },
    engine,
    config,
    tokens: language.tokens,
    prompt: (sample) => language.tokenizer.encode(questionOf(sample)),
    decode: (tokens) => language.tokenizer.decode(tokens),
    patches: ({ clip }, shown) => {
      const place = places.get(clip.sha256)!;
      const positions = shown.map((frame) => (frame === null ? null : place.get(frame)!));
      return patchesOf(byClip.get(clip.sha256)!.frames, positions, recipe.framesPerSecond);
    },
  });
  const names = ["complete", "absent", "random-removal", ...(stage.blind ? ["blind"] : [])];
  const folder = join(out, "evaluation");
  mkdirSync(folder, { recursive: true });
  const slug = stage.title
    .toLowerCase()
    .match(/[a-z0-9]+/g)!
    .join("-");
  const file = openSync(join(folder, `${slug}.jsonl`), "w");
  try {
    const { records } = await evaluate({
      samples: clips.flatMap(({ samples }) => samples.filter(({ answerKind }) => answerKind === "choice")),
      subject,
      interventions: await Promise.all(names.map((name) => interventionRegistry.make(name))),
      frames: {
        value: (sample) => byClip.get(sample.clip.sha256)!.frames.frames.map(({ index }) => index as number),
        recipe: { name: "fps", params: { framesPerSecond: recipe.framesPerSecond } },
      },
      benchmark: { name: "world", version: worldHash, split: "test" },
      runId: stage.checkpoint.slice(out.length + 1),
      seed: recipe.seed,
      draws: { "random-removal": recipe.controlDraws },
      batchSize: 256,
      signal: context.signal,
      progress: context.progress(testLabel(stage.title), "answers"),
      onRecord: (record) => void writeSync(file, `${writeRecord(record)}\n`),
    });
    return records;
  } finally {
    closeSync(file);
  }
};
