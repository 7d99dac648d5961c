import { join } from "node:path";
import { type PairQuality, pairQuality } from "../../absent/pair-quality.ts";
import { makeFolder } from "../../core/files.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { reinforcementClips } from "../../dataset/split.ts";
import { LineFile } from "../../dataset/write.ts";
import { writeEvaluatedRun } from "../../evaluation/report/description.ts";
import type { ReportModel } from "../../evaluation/report/model.ts";
import { writePictureSettings } from "../../model/picture-settings.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import type { TrainingClip } from "../../training/clip.ts";
import type { JobContext } from "../job-context.ts";
import { report } from "../report.ts";
import type { LoadedClips, MemoryClip } from "./clips.ts";
import {
  describeQuickstart,
  quickstartFiles,
  stagesOf,
  type stageTitles,
  writeJournal,
} from "./description.ts";
import { testQuestions, testStage } from "./evaluation.ts";
import { makeConfig, makeLanguage } from "./language.ts";
import { detectedPairs, type PairedClip, truePairs } from "./pairs.ts";
import { announcement, labels, quickstartTimetable } from "./plan.ts";
import { type StageData, stageData } from "./stage-config.ts";
import {
  grpoStage,
  type StageContext,
  sftStage,
  type TrainedStage,
  type TrainingContext,
} from "./training.ts";
import { heldOutClips, trainingClips } from "./training-clips.ts";
import { makeEncoder, makeWorld } from "./world.ts";

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

/** What training and tests need of the world; frames of training clips are kept as patches only. */
interface Prepared extends Pick<LoadedClips, "dropped"> {
  readonly clips: readonly TrainingClip[];
  /** Of clips that SFT never sees. */
  readonly rlClips: readonly TrainingClip[];
  readonly tested: readonly PairedClip[];
  readonly quality: PairQuality;
  readonly data: StageData;
}

/** Renders, decodes, trains the relevance encoder and makes all pairs. */
const prepare = async (stage: StageContext, watch: Watch, context: JobContext): Promise<Prepared> => {
  const { out, recipe } = stage;
  const { seed } = recipe;
  const world = await watch.time("world: render, encode, decode", () => makeWorld(out, recipe, context));
  const [training, held] = ["train", "test"].map((split) =>
    world.clips.filter(({ samples }) => samples[0]!.split === split),
  ) as [MemoryClip[], MemoryClip[]];
  const encoder = await watch.time("relevance encoder", () =>
    makeEncoder(out, recipe, training, stageData(recipe, world.hash, null), context),
  );
  const progress = context.progress(labels.pairs, "clips");
  const pair = async (clips: readonly MemoryClip[]): Promise<PairedClip[]> =>
    detectedPairs(clips, encoder, { ...recipe.pairs, seed }, (done) => progress.update(done, clips.length));
  const pairs = await watch.time("pairs", () => pair(training));
  const found = new LineFile(join(out, quickstartFiles.pairs));
  for (const { pair: one } of await pair(held)) found.add(JSON.stringify(one));
  found.close();
  await encoder.close();
  const kept = reinforcementClips(
    pairs.map(({ sha256 }) => sha256),
    recipe.world.rlShare,
    `${seed}`,
  );
  const clipsOf = (isKept: boolean): TrainingClip[] =>
    trainingClips(
      pairs.filter(({ sha256 }) => kept.has(sha256) === isKept),
      stage,
    );
  return {
    clips: clipsOf(false),
    rlClips: clipsOf(true),
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
    data: stageData(recipe, world.hash, {
      ...recipe.pairs,
      relevance: { name: "checkpoint", params: { folder: "../relevance/encoder" }, version: encoder.version },
      seed,
    }),
  };
};

/** From nothing to a trained perceiver and a report; a second call in the same folder goes on where the first stopped. */
export const runQuickstart = async (
  out: string,
  recipe: QuickstartRecipe,
  job: JobContext,
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
  const timetable = quickstartTimetable(
    recipe,
    stagesOf(recipe).map(([, title]) => title),
  );
  const { signal } = job;
  const context: JobContext = {
    ...job,
    progress: (label, unit) => timetable.watch(label, job.progress(label, unit)),
  };
  job.progress(labels.render, "clips").log(announcement(timetable, out));
  const stageContext: StageContext = { out, recipe, language, config, signal, progress: context.progress };
  const { clips, rlClips, tested, quality, dropped, data } = await prepare(stageContext, watch, context);
  const heldOut = await heldOutClips(tested.slice(0, recipe.sft.watchedClips), stageContext);
  const trainingContext: TrainingContext = { ...stageContext, data, heldOut };
  const { width, height } = tested[0]!.frames;
  writePictureSettings(language.folder, { width, height, framesPerSecond: recipe.framesPerSecond });
  const stage = (title: string, work: () => Promise<TrainedStage>): Promise<TrainedStage> =>
    watch.time(title, work);
  const { baseSteps, forkSteps, learningRate, forkLearningRate, contrast, blindClipsPerStep } = sft;
  const settings = { steps: baseSteps, learningRate, contrast: null, blindClipsPerStep, seed };
  const base = await stage("SFT", () =>
    sftStage("sft", labels.sft, undefined, settings, clips, trainingContext),
  );
  const fork = { steps: forkSteps, learningRate: forkLearningRate, blindClipsPerStep: 0, seed: seed + 1 };
  const plain = await stage("more SFT", () =>
    sftStage("sft-more", labels.more, base.checkpoint, { ...fork, contrast: null }, clips, trainingContext),
  );
  const contrasted = await stage("SFT + contrast", () =>
    sftStage("sft-contrast", labels.contrast, base.checkpoint, { ...fork, contrast }, clips, trainingContext),
  );
  const grpo = await stage("Comparative GRPO", () =>
    grpoStage("comparative-grpo", labels.grpo, contrasted.checkpoint, rlClips, trainingContext),
  );
  const { grpoControl } = recipe;
  const from = contrasted.checkpoint;
  const control =
    grpoControl === "none"
      ? undefined
      : await stage("control of GRPO", () =>
          grpoStage("grpo-control", labels.control, from, rlClips, trainingContext, grpoControl),
        );
  const trained: Readonly<Record<keyof typeof stageTitles, TrainedStage | undefined>> = {
    sft: base,
    "sft-more": plain,
    "sft-contrast": contrasted,
    "comparative-grpo": grpo,
    "grpo-control": control,
  };
  await watch.time("evaluation", async () => {
    const questions = await testQuestions(tested, data.contentHash, out);
    for (const [name, title] of stagesOf(recipe)) {
      const { checkpoint } = trained[name]!;
      const blind = checkpoint === grpo.checkpoint;
      await testStage({ title, checkpoint, blind }, questions, stageContext);
    }
  });
  writeJournal(out, { seconds: watch.seconds, versions: [...about.versions], dropped, quality });
  const { file, model } = await report(out, context);
  return { report: file, model, seconds: watch.seconds };
};
