import { z } from "zod";
import { defineTrainingRecipe, type TrainingRecipePlugin } from "../training-recipes.ts";

/** Answers about the clip that are better than answers about its twin. */
const plugin: TrainingRecipePlugin = defineTrainingRecipe({
  summary:
    "Comparative GRPO: answers about the clip must beat those about its twin (the paper's second stage)",
  source: "VideoPerceiver eqs. (8)-(10), reconstructed",
  params: z.strictObject({}),
  create: () => ({
    loop: "grpo",
    settings: {
      promptsPerStep: 8,
      completions: 8,
      maxNewTokens: 64,
      schedule: { learningRate: 1e-6 },
    },
    paper: ["promptsPerStep"],
  }),
});

export default plugin;
