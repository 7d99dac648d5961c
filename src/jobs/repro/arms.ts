import { basename, join } from "node:path";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import type { GrpoArm, ReproArm, ReproStudy, SftArm, TwinKind } from "../../recipes/repro/study.ts";
import { readRun } from "../../runs/read-run.ts";
import { absentSteps } from "../../training/absent-steps.ts";
import type { TrainingClip } from "../../training/clip.ts";
import type { SftOptions } from "../../training/sft-options.ts";
import type { FragmentQuestion } from "../fragments/memory-fragments.ts";
import { patchShape } from "../quickstart/clips.ts";
import type { PairedClip } from "../quickstart/pairs.ts";
import { grpoStage, sftStage, type TrainingContext } from "../quickstart/training.ts";
import { frozenControls, trainingClips } from "../quickstart/training-clips.ts";
import { fragmentSource } from "./fragment-clips.ts";

/** What arms of one seed learn from. */
export interface ArmData {
  /** For SFT, by what their twins show. */
  readonly clips: Readonly<Record<TwinKind, readonly TrainingClip[]>>;
  /** For RL, by what their twins show; SFT sees them only where an arm says so. */
  readonly rlClips: Readonly<Record<NonNullable<GrpoArm["twins"]>, readonly TrainingClip[]>>;
  /** Fragment questions about the SFT clips; none in a study without. */
  readonly questions: readonly FragmentQuestion[];
}

/** Cuts the training clips in two and gives every SFT clip its three twins. */
export const armData = async (
  detected: readonly PairedClip[],
  scripted: readonly PairedClip[],
  stage: Pick<TrainingContext, "recipe" | "language">,
  rlShare: number,
): Promise<Omit<ArmData, "questions">> => {
  const all = trainingClips(detected, stage);
  const count = Math.round(all.length * (1 - rlShare));
  const own = all.slice(0, count);
  const { framesPerSecond } = stage.recipe;
  const frozen = await frozenControls(detected.slice(0, count), own, stage, "anywhere");
  const withScripted = (some: readonly TrainingClip[], from: number): TrainingClip[] =>
    some.map((clip, i) => {
      const { frames, view } = scripted[from + i]!;
      return { ...clip, absentSteps: absentSteps(frames, view, framesPerSecond, patchShape) };
    });
  const asked = all.slice(count);
  return {
    clips: {
      detected: own,
      scripted: withScripted(own, 0),
      random: own.map((clip, i) => ({ ...clip, absentSteps: frozen[i]! })),
    },
    rlClips: { detected: asked, scripted: withScripted(asked, count) },
  };
};

/** The clips of an SFT arm: with the texts that it may read. */
const sftClips = ({ twins, labels, curated, clips: part }: SftArm, data: ArmData): TrainingClip[] => {
  const every = Math.round(1 / labels);
  const own = part === "reinforcement" ? data.rlClips.detected : data.clips[twins];
  return own.map((clip, i) => ({
    ...clip,
    texts: i % every === 0 ? clip.texts.filter(({ aboutEvent }) => curated || !aboutEvent) : [],
  }));
};

/** Where an arm's weights are when it is trained: its own run, or the one that it only asks. */
export const armCheckpoint = (folder: string, arms: readonly ReproArm[], arm: ReproArm): string => {
  if (arm.train === null) {
    const from = arms.find(({ name }) => name === arm.from)!;
    return armCheckpoint(folder, arms, from);
  }
  return readRun(join(folder, arm.name)).checkpoints.complete.at(-1)!.folder;
};

/** The recipe with an arm's options of RL. */
const withGrpo = (
  recipe: QuickstartRecipe,
  options: Readonly<Record<string, unknown>>,
): QuickstartRecipe => ({
  ...recipe,
  grpo: { ...recipe.grpo, ...options },
});

/** How an arm's training ended. */
export interface TrainedArm {
  readonly checkpoint: string;
  readonly seconds: number;
  readonly steps: number;
}

/** Trains an arm in its own run folder, or goes on with it; an arm that trains nothing takes what it asks. */
export const trainArm = async (
  { arms }: Pick<ReproStudy, "arms">,
  arm: ReproArm,
  label: string,
  data: ArmData,
  context: TrainingContext,
): Promise<TrainedArm> => {
  const { out, recipe } = context;
  const { train } = arm;
  const before = arms.find(({ name }) => name === arm.from);
  const from = before === undefined ? undefined : armCheckpoint(out, arms, before);
  if (train === null) return { checkpoint: from!, seconds: 0, steps: Number(basename(from!)) };
  if (train.kind === "grpo") {
    const own = { ...context, recipe: withGrpo(recipe, train.options) };
    const { checkpoint, result } = await grpoStage(
      arm.name,
      label,
      from!,
      data.rlClips[train.twins ?? "detected"],
      own,
    );
    return { checkpoint, ...result };
  }
  // Forks of one base draw the same clips in the same order, so that their differences are paired.
  const seed = arm.from === null ? recipe.seed : recipe.seed + 1;
  const settings = { ...train, seed };
  const clips = sftClips(train, data);
  const { fragments } = train;
  const other = fragments && {
    described: fragments,
    source: (options: SftOptions) =>
      fragmentSource(clips, data.questions, fragments, context.language, options),
  };
  const { checkpoint, result } = await sftStage(arm.name, label, from, settings, clips, context, other);
  return { checkpoint, ...result };
};
