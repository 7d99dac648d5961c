import type { ContrastOptions } from "../../training/contrast.ts";
import quickstart, { type QuickstartRecipe } from "../quickstart.ts";
import type { ReproArm, ReproScale, SftArm } from "./study.ts";

/** Contrast as the quickstart has it. */
export const shared: ContrastOptions = { block: 2, weight: 0.03, temperature: 0.05, dropout: 0.1 };
/** The weight of the paper. */
export const heavy: ContrastOptions = { ...shared, weight: 0.1 };

/** The quickstart's recipe at a scale, with a language model of so many blocks. */
export const recipeOf = (
  { clips, steps, forkSteps, batch, threads }: ReproScale,
  layers: number,
): QuickstartRecipe => {
  const usual = quickstart(8, 0);
  return {
    ...usual,
    threads,
    world: { ...usual.world, trainClips: clips, testClips: Math.max(40, Math.round(0.15 * clips)) },
    model: { ...usual.model, layers },
    relevance: {
      ...usual.relevance,
      train: { ...usual.relevance.train, steps: Math.max(20, Math.round(steps / 6)) },
    },
    sft: {
      ...usual.sft,
      baseSteps: steps,
      forkSteps: forkSteps ?? Math.max(4, Math.round(0.15 * steps)),
      clipsPerStep: batch ?? usual.sft.clipsPerStep,
    },
    grpo: { ...usual.grpo, steps: Math.max(4, Math.round(0.04 * steps)) },
    controlDraws: 1,
  };
};

/** What makes the arms of one recipe. */
export interface ArmMakers {
  readonly base: ReproArm;
  /** SFT that goes on from another arm, "base" when left out. */
  readonly fork: (
    name: string,
    title: string,
    what: string,
    train: Partial<SftArm>,
    from?: string,
  ) => ReproArm;
}

/** SFT arms with the steps and rates of a recipe. */
export const makers = ({ sft }: QuickstartRecipe): ArmMakers => {
  const usual = { kind: "sft", twins: "detected", labels: 1, curated: true, contrast: null } as const;
  const { baseSteps, forkSteps, learningRate, forkLearningRate, blindClipsPerStep } = sft;
  return {
    base: {
      name: "base",
      title: "Base",
      what: "SFT from new weights; where every other arm begins",
      from: null,
      train: { ...usual, steps: baseSteps, learningRate, blindClipsPerStep },
    },
    fork: (name, title, what, train, from = "base") => ({
      name,
      title,
      what,
      from,
      train: { ...usual, steps: forkSteps, learningRate: forkLearningRate, blindClipsPerStep: 0, ...train },
    }),
  };
};
