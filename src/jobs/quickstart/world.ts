import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../core/files.ts";
import type { FrameTextEncoder } from "../../engine/dual-encoder.ts";
import { dualEncoderOpener } from "../../engine/engines.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import type { DualEncoderConfig } from "../../model/dual-encoder-config.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import { dualEncoderParams, trainDualEncoder } from "../../training/dual-encoder.ts";
import { generateWorld } from "../../world/generate.ts";
import { worldProfile } from "../../world/profile.ts";
import { worldVocabulary } from "../../world/words.ts";
import type { JobContext } from "../job-context.ts";
import { type LoadedClips, loadClips, type MemoryClip } from "./clips.ts";
import { quickstartFiles } from "./description.ts";
import { labels } from "./plan.ts";
import { originOf, type StageData } from "./stage-config.ts";
import { openRun } from "./training.ts";

/** Renders the world and reads its clips. */
export const makeWorld = async (
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
    progress: context.progress(labels.render, "clips"),
  });
  const progress = context.progress(labels.decode, "clips");
  const loaded = await loadClips(folder, framesPerSecond, { progress, signal: context.signal, total: count });
  return { ...loaded, hash: description.contentHash };
};

/** The frame-text encoder: trained once, kept in `relevance/`. */
export const makeEncoder = async (
  out: string,
  recipe: QuickstartRecipe,
  clips: readonly MemoryClip[],
  data: StageData,
  context: JobContext,
): Promise<FrameTextEncoder> => {
  const folder = join(out, quickstartFiles.relevance);
  const target = join(folder, "encoder");
  const opener = await dualEncoderOpener();
  if (!existsSync(join(target, "config.json"))) {
    const config: DualEncoderConfig = {
      family: "videoperceiver-dual-encoder",
      pixels: clips[0]!.frames.width,
      patch: 14,
      width: recipe.relevance.width,
      reach: recipe.relevance.reach,
      words: worldVocabulary(),
    };
    const options = dualEncoderParams.parse({ ...recipe.relevance.train, threads: recipe.threads });
    const from = await originOf(folder, undefined, options.seed);
    using run = openRun(folder, { stage: "relevance", from, data, model: config, options });
    const examples = clips.map(({ frames, samples }) => ({
      frames: frames.frames.map((_, position) => pixelsOf(frames, position)),
      keywords: samples[0]!.keywords ?? [],
    }));
    const progress = context.progress(labels.encoder, "steps");
    makeFolder(target);
    const around = { run, progress, signal: context.signal };
    await trainDualEncoder(opener, target, config, examples, options, around);
  }
  return opener.open(target, recipe.threads);
};
