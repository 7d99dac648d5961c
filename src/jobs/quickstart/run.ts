import { existsSync } from "node:fs";
import { join } from "node:path";
import { type PairQuality, pairQuality } from "../../absent/pair-quality.ts";
import { makeFolder } from "../../core/files.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { LineFile } from "../../dataset/write.ts";
import { DualEncoder, saveDualEncoder } from "../../engine/onnx/dual-encoder.ts";
import { writeEvaluatedRun } from "../../evaluation/report/description.ts";
import type { ReportModel } from "../../evaluation/report/model.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import type { DualEncoderConfig } from "../../model/dual-encoder-config.ts";
import { writePictureSettings } from "../../model/picture-settings.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import type { TrainingClip } from "../../training/clip.ts";
import { dualEncoderParams, trainDualEncoder } from "../../training/dual-encoder.ts";
import { generateWorld } from "../../world/generate.ts";
import { worldProfile } from "../../world/profile.ts";
import { worldVocabulary } from "../../world/words.ts";
import type { JobContext } from "../job-context.ts";
import { report } from "../report.ts";
import { type LoadedClips, loadClips, type MemoryClip } from "./clips.ts";
import { describeQuickstart, quickstartFiles, stageTitles, writeJournal } from "./description.ts";
import { testQuestions, testStage } from "./evaluation.ts";
import { makeConfig, makeLanguage } from "./language.ts";
import { detectedPairs, type PairedClip, truePairs } from "./pairs.ts";
import { grpoStage, openRun, type Stage, type StageContext, sftStage, trainingClips } from "./training.ts";

/** What a quickstart gives back. */
export interface QuickstartResult {
  readonly report: string;
  readonly model: ReportModel;
  readonly seconds: readonly { readonly name: string; readonly value: number }[];
}

/** Measures how long each part takes. */
class Watch {
  readonly seconds: { name: string; value: number }[] = [];
  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const start = nowMilliseconds();
    const result = await work();
    this.seconds.push({ name, value: (nowMilliseconds() - start) / 1000 });
    return result;
  }
}

const makeWorld = async (
  out: string,
  { world, seed, framesPerSecond }: QuickstartRecipe,
  context: JobContext,
): Promise<LoadedClips & { hash: string }> => {
  const folder = join(out, quickstartFiles.world);
  const count = world.trainClips + world.testClips;
  const { description } = await generateWorld({
    count,
    seed,
    profile: worldProfile(world.profile, world.difficulty),
    heldOut: world.testClips,
    out: folder,
    signal: context.signal,
    progress: context.progress("1/6 render and encode", "clips"),
  });
  const progress = context.progress("1/6 decode", "clips");
  const loaded = await loadClips(folder, framesPerSecond, { progress, signal: context.signal, total: count });
  return { ...loaded, hash: description.contentHash };
};

/** The frame-text encoder: trained once, kept in `relevance/`. */
const makeEncoder = async (
  out: string,
  recipe: QuickstartRecipe,
  clips: readonly MemoryClip[],
  context: JobContext,
): Promise<DualEncoder> => {
  const folder = join(out, quickstartFiles.relevance);
  if (!existsSync(join(folder, "encoder", "config.json"))) {
    const config: DualEncoderConfig = {
      family: "videoperceiver-dual-encoder",
      pixels: clips[0]!.frames.width,
      patch: 14,
      width: recipe.relevance.width,
      reach: recipe.relevance.reach,
      words: worldVocabulary(),
    };
    const options = dualEncoderParams.parse({ ...recipe.relevance.train, threads: recipe.threads });
    using run = openRun(folder, { stage: "relevance", options, encoder: config });
    const examples = clips.map(({ frames, samples }) => ({
      frames: frames.frames.map((_, position) => pixelsOf(frames, position)),
      keywords: samples[0]!.keywords ?? [],
    }));
    const progress = context.progress("2/6 relevance encoder", "steps");
    const store = await trainDualEncoder(config, examples, options, {
      run,
      progress,
      signal: context.signal,
    });
    makeFolder(join(folder, "encoder"));
    saveDualEncoder(join(folder, "encoder"), config, store);
  }
  return DualEncoder.open(join(folder, "encoder"), recipe.threads);
};

/** What training and tests need of the world; frames of training clips are kept as patches only. */
interface Prepared extends Pick<LoadedClips, "dropped"> {
  readonly clips: readonly TrainingClip[];
  readonly tested: readonly PairedClip[];
  readonly quality: PairQuality;
  readonly hash: string;
}

/** Renders, decodes, trains the relevance encoder and makes all pairs. */
const prepare = async (stage: StageContext, watch: Watch, context: JobContext): Promise<Prepared> => {
  const { out, recipe } = stage;
  const { seed } = recipe;
  const world = await watch.time("world: render, encode, decode", () => makeWorld(out, recipe, context));
  const [training, held] = ["train", "test"].map((split) =>
    world.clips.filter(({ samples }) => samples[0]!.split === split),
  ) as [MemoryClip[], MemoryClip[]];
  const encoder = await watch.time("relevance encoder", () => makeEncoder(out, recipe, training, context));
  const progress = context.progress("2/6 pairs", "clips");
  const pair = async (clips: readonly MemoryClip[]): Promise<PairedClip[]> =>
    detectedPairs(clips, encoder, { ...recipe.pairs, seed }, (done) => progress.update(done, clips.length));
  const pairs = await watch.time("pairs", () => pair(training));
  const found = new LineFile(join(out, quickstartFiles.pairs));
  for (const { pair: one } of await pair(held)) found.add(JSON.stringify(one));
  found.close();
  await encoder.close();
  return {
    clips: trainingClips(pairs, stage),
    tested: await truePairs(held, seed),
    quality: pairQuality(
      pairs.map(({ pair: found, view, frames, samples }) => ({
        pair: found,
        view,
        looked: frames.frames,
        events: samples[0]!.events ?? [],
      })),
    ),
    dropped: world.dropped,
    hash: world.hash,
  };
};

/** From nothing to a trained perceiver and a report; a second call in the same folder goes on where the first stopped. */
export const runQuickstart = async (
  out: string,
  recipe: QuickstartRecipe,
  context: JobContext,
  about: {
    readonly command: string;
    readonly versions: readonly { readonly name: string; readonly value: string }[];
  },
): Promise<QuickstartResult> => {
  makeFolder(out);
  writeEvaluatedRun(out, describeQuickstart(recipe, about.command));
  const watch = new Watch();
  const { seed, sft } = recipe;
  const language = makeLanguage(join(out, "tokenizer"));
  const config = makeConfig(recipe, language);
  const { signal } = context;
  const stageContext: StageContext = { out, recipe, language, config, signal, progress: context.progress };
  const { clips, tested, quality, dropped, hash } = await prepare(stageContext, watch, context);
  const { width, height } = tested[0]!.frames;
  writePictureSettings(language.folder, { width, height, framesPerSecond: recipe.framesPerSecond });
  const stage = (title: string, work: () => Promise<Stage>): Promise<Stage> => watch.time(title, work);
  const { baseSteps, forkSteps, learningRate, forkLearningRate, contrast } = sft;
  const settings = { steps: baseSteps, learningRate, contrast: null, seed };
  const base = await stage("SFT", () => sftStage("sft", "3/6 SFT", undefined, settings, clips, stageContext));
  const fork = { steps: forkSteps, learningRate: forkLearningRate, seed: seed + 1 };
  const plain = await stage("more SFT", () =>
    sftStage("sft-more", "4/6 more SFT", base.checkpoint, { ...fork, contrast: null }, clips, stageContext),
  );
  const contrasted = await stage("SFT + contrast", () =>
    sftStage(
      "sft-contrast",
      "4/6 SFT + contrast",
      base.checkpoint,
      { ...fork, contrast },
      clips,
      stageContext,
    ),
  );
  const grpo = await stage("Comparative GRPO", () =>
    grpoStage("comparative-grpo", "5/6 Comparative GRPO", contrasted.checkpoint, clips, stageContext),
  );
  const stages: readonly (readonly [keyof typeof stageTitles, Stage])[] = [
    ["sft", base],
    ["sft-more", plain],
    ["sft-contrast", contrasted],
    ["comparative-grpo", grpo],
  ];
  await watch.time("evaluation", async () => {
    const questions = await testQuestions(tested, hash, out);
    for (const [name, { checkpoint }] of stages)
      await testStage(
        { title: stageTitles[name], checkpoint, blind: checkpoint === grpo.checkpoint },
        questions,
        stageContext,
      );
  });
  writeJournal(out, { seconds: watch.seconds, versions: [...about.versions], dropped, quality });
  const { file, model } = await report(out, context);
  return { report: file, model, seconds: watch.seconds };
};
