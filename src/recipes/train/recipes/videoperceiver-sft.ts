import { z } from "zod";
import { defineTrainingRecipe, type TrainingRecipePlugin } from "../training-recipes.ts";

/** Answers, and the clip told from its absent twin at a middle block. */
const plugin: TrainingRecipePlugin = defineTrainingRecipe({
  summary: "answers, and the clip told from its absent twin at a middle block (the paper's first stage)",
  source: "VideoPerceiver eq. (7)",
  params: z.strictObject({}),
  create: () => ({
    loop: "sft",
    settings: {
      losses: { "cross-entropy": {}, contrastive: { block: 16, weight: 0.1, temperature: 0.05 } },
      schedule: { learningRate: 1e-5 },
    },
    paper: ["clipsPerStep", "losses.contrastive.block", "losses.contrastive.weight"],
  }),
});

export default plugin;
