import { join } from "node:path";
import { makeFolder } from "../../core/files.ts";
import { writePictureSettings } from "../../model/picture-settings.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import type { ReproStudy } from "../../recipes/repro/study.ts";
import { worldProfile } from "../../world/profile.ts";
import {
  clipInMemory,
  type FragmentClipInMemory,
  type FragmentDraws,
  type FragmentQuestion,
  fragmentQuestions,
  fragmentWords,
} from "../fragments/memory-fragments.ts";
import type { JobContext } from "../job-context.ts";
import type { MemoryClip } from "../quickstart/clips.ts";
import { type TestQuestions, testQuestions } from "../quickstart/evaluation.ts";
import { makeConfig, makeLanguage } from "../quickstart/language.ts";
import { detectedPairs, type PairedClip, truePairs } from "../quickstart/pairs.ts";
import { type StageData, stageData } from "../quickstart/stage-config.ts";
import type { StageContext, TrainingContext } from "../quickstart/training.ts";
import { heldOutClips } from "../quickstart/training-clips.ts";
import { makeEncoder, makeWorld } from "../quickstart/world.ts";
import { type ArmData, armData } from "./arms.ts";
import { fragmentDraws } from "./fragment-clips.ts";
import { firstHeldOut, unlabelledClips } from "./unlabelled-clips.ts";

/** What all arms of one seed share. */
export interface SeedWorld {
  readonly context: TrainingContext;
  readonly data: ArmData;
  readonly tested: readonly PairedClip[];
  readonly questions: TestQuestions;
  /** Fragment questions about the held-out clips; none in a study without. */
  readonly fragments: readonly FragmentQuestion[];
}

/** Training clips with the twins that our encoder finds; where a study asks fragments, with the scripted ones. */
const pairedForTraining = async (
  out: string,
  { fragments }: ReproStudy,
  recipe: QuickstartRecipe,
  training: readonly MemoryClip[],
  hash: string,
  job: JobContext,
): Promise<{
  readonly detected: readonly PairedClip[];
  readonly scripted: readonly PairedClip[];
  readonly relevance: NonNullable<StageData["pairs"]>["relevance"];
}> => {
  const { seed } = recipe;
  const scripted = await truePairs(training, seed);
  if (fragments !== undefined)
    return { detected: scripted, scripted, relevance: { name: "events", params: {}, version: hash } };
  const encoder = await makeEncoder(out, recipe, training, stageData(recipe, hash, null), job);
  const detected = await detectedPairs(training, encoder, { ...recipe.pairs, seed }, () => {});
  const { version } = encoder;
  await encoder.close();
  const params = { folder: "../relevance/encoder" };
  return { detected, scripted, relevance: { name: "checkpoint", params, version } };
};

/** Fragment questions for training, and about held-out clips: none in a study without. */
interface StudyQuestions {
  readonly questions: readonly FragmentQuestion[];
  readonly heldOut: readonly FragmentQuestion[];
}

const questionsOf = (
  { fragments, recipe }: ReproStudy,
  seed: number,
  [training, held]: readonly [readonly MemoryClip[], readonly MemoryClip[]],
  draws: FragmentDraws | undefined,
): StudyQuestions => {
  if (fragments === undefined || draws === undefined) return { questions: [], heldOut: [] };
  const named = fragments.profile;
  const clipsOf = (own: readonly MemoryClip[], first: number): readonly FragmentClipInMemory[] =>
    named === undefined
      ? own.flatMap(({ sha256, frames }) => clipInMemory(sha256, frames) ?? [])
      : unlabelledClips(worldProfile(named, recipe.world.difficulty), seed, first, own.length);
  return {
    questions: fragmentQuestions(clipsOf(training, 0), fragments.perClip, draws),
    heldOut: fragmentQuestions(clipsOf(held, firstHeldOut), 1, draws),
  };
};

/** Makes the world, the pairs and the questions of a seed, or finds them made. */
export const prepareSeed = async (
  out: string,
  study: ReproStudy,
  seed: number,
  job: JobContext,
): Promise<SeedWorld> => {
  const recipe: QuickstartRecipe = {
    ...study.recipe,
    seed,
    relevance: { ...study.recipe.relevance, train: { ...study.recipe.relevance.train, seed } },
  };
  makeFolder(out);
  const world = await makeWorld(out, recipe, job);
  const part = (split: string): MemoryClip[] =>
    world.clips.filter(({ samples }) => samples[0]!.split === split);
  const [training, held] = [part("train"), part("test")];
  const pairs = await pairedForTraining(out, study, recipe, training, world.hash, job);
  const { detected, scripted, relevance } = pairs;
  const tested = await truePairs(held, seed);
  const draws = study.fragments && (await fragmentDraws(study.fragments, seed));
  const language = makeLanguage(join(out, "tokenizer"), draws && fragmentWords(draws.tasks));
  const { width, height } = tested[0]!.frames;
  writePictureSettings(language.folder, { width, height, framesPerSecond: recipe.framesPerSecond });
  const { signal, progress } = job;
  const stage: StageContext = {
    out,
    recipe,
    language,
    config: makeConfig(recipe, language),
    signal,
    progress,
  };
  const forArms = await armData(detected, scripted, stage, study.rlShare);
  const { questions, heldOut: fragments } = questionsOf(study, seed, [training, held], draws);
  const data = { ...forArms, questions };
  const heldOut = (await heldOutClips(tested.slice(0, 2 * recipe.sft.watchedClips), stage)).slice(
    0,
    recipe.sft.watchedClips,
  );
  const context = {
    ...stage,
    data: stageData(recipe, world.hash, { ...recipe.pairs, relevance, seed }),
    heldOut,
  };
  return { context, data, tested, fragments, questions: await testQuestions(tested, world.hash, out) };
};
