import { join } from "node:path";
import { makeFolder } from "../../core/files.ts";
import type { MadeBy } from "../../core/registry.ts";
import { questionText } from "../../dataset/question.ts";
import type { Sample } from "../../dataset/sample.ts";
import { LineFile } from "../../dataset/write.ts";
import type { Engine } from "../../engine/contract.ts";
import { openEngine } from "../../engine/engines.ts";
import { type BenchmarkSample, benchmarkRegistry, clusterOf } from "../../evaluation/benchmarks.ts";
import { evaluate } from "../../evaluation/evaluate.ts";
import { firstWordSubject } from "../../evaluation/first-word-subject.ts";
import { chooseIntervention } from "../../evaluation/interventions.ts";
import { writeRecord } from "../../evaluation/records.ts";
import { evaluatedRunFiles } from "../../evaluation/report/description.ts";
import { chooseSplit } from "../../evaluation/splits.ts";
import type { Subject } from "../../evaluation/subject.ts";
import { clipPatches } from "../../frames/clip-patches.ts";
import { batchRules } from "../../model/batch-rules.ts";
import { patchShape, shownPictures } from "./clips.ts";
import { quickstartFiles } from "./description.ts";
import type { PairedClip } from "./pairs.ts";
import { testLabel } from "./plan.ts";
import type { StageContext } from "./training.ts";

/** A trained stage to be tested. */
export interface TestedStage {
  /** As in the report's table. */
  readonly title: string;
  readonly checkpoint: string;
  /** Test it without pictures too. */
  readonly blind: boolean;
  /** Of its progress; left out: that of the quickstart. */
  readonly label?: string;
  /** Show every n-th frame of those in memory; left out: all. */
  readonly every?: number;
}

/** What the stages are asked: the closed questions about the held-out clips, with their twins. */
export interface TestQuestions {
  readonly samples: readonly (BenchmarkSample & Pick<Sample, "absent">)[];
  readonly clips: ReadonlyMap<string, PairedClip>;
  readonly benchmark: { readonly recipe: MadeBy; readonly version: string; readonly split: string | null };
}

/** The held-out part of the world as a benchmark; clips that could not be read were dropped and said so before. */
export const testQuestions = async (
  tested: readonly PairedClip[],
  version: string,
  out: string,
): Promise<TestQuestions> => {
  const { value, recipe } = await benchmarkRegistry.make("world", { answerKinds: ["choice"] });
  const { samples, split } = chooseSplit(await value.samples(join(out, quickstartFiles.world)), "test");
  const clips = new Map(tested.map((clip) => [clip.sha256, clip]));
  return {
    samples: samples.flatMap((sample) => {
      const twin = clips.get(clusterOf(sample))?.samples[0]?.absent;
      return twin === undefined ? [] : [{ ...sample, absent: twin }];
    }),
    clips,
    benchmark: { recipe, version, split },
  };
};

const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .match(/[a-z0-9]+/g)!
    .join("-");

/** The stage as somebody who answers, with the held-out clips in memory. */
const subjectOf = (
  { title, checkpoint, every = 1 }: TestedStage,
  { engine, config }: { engine: Engine; config: StageContext["config"] },
  clips: TestQuestions["clips"],
  { recipe, language, out }: StageContext,
): Subject => {
  return firstWordSubject({
    name: title,
    recipe: { name: "checkpoint", params: { steps: checkpoint.slice(out.length + 1) } },
    engine,
    rules: batchRules(config),
    tokens: language.tokens,
    prompt: (sample) => language.tokenizer.encode(questionText(sample)),
    decode: (tokens) => language.tokenizer.decode(tokens),
    patches: (sample, view) => {
      const { frames } = clips.get(clusterOf(sample))!;
      const pictures = shownPictures(frames, view);
      return clipPatches(pictures, frames.width, frames.height, recipe.framesPerSecond / every, patchShape);
    },
  });
};

/** Asks one checkpoint every question under each intervention; its records are a file of `evaluation/`. */
export const testStage = async (
  stage: TestedStage,
  { samples, clips, benchmark }: TestQuestions,
  context: StageContext,
): Promise<void> => {
  const { recipe, out } = context;
  const { every = 1 } = stage;
  const request = { folder: stage.checkpoint, trained: "none", recurringShapes: 4 } as const;
  const { config, engine: opened } = await openEngine(recipe, request);
  await using engine = opened;
  const names = ["complete", "absent", "random-removal", ...(stage.blind ? ["blind"] : [])];
  const folder = join(out, evaluatedRunFiles.records);
  makeFolder(folder);
  const file = new LineFile(join(folder, `${slugOf(stage.title)}.jsonl`));
  try {
    await evaluate({
      samples,
      subject: subjectOf(stage, { engine, config }, clips, context),
      interventions: await Promise.all(names.map(chooseIntervention)),
      frames: {
        value: (sample) =>
          clips
            .get(clusterOf(sample))!
            .frames.frames.flatMap(({ index }, at) => (at % every === 0 ? [index as number] : [])),
        recipe: { name: "fps", params: { framesPerSecond: recipe.framesPerSecond / every } },
      },
      benchmark,
      runId: stage.checkpoint.slice(out.length + 1),
      seed: recipe.seed,
      draws: recipe.controlDraws,
      batchSize: 256,
      signal: context.signal,
      progress: context.progress(stage.label ?? testLabel(stage.title), "answers"),
      onRecord: (record) => file.add(writeRecord(record)),
    });
    file.close();
  } catch (error) {
    file.discard();
    throw error;
  }
};
