import { z } from "zod";
import { defineTrainingRecipe, type TrainingRecipePlugin } from "../training-recipes.ts";

/** The clip preferred over its absent twin, and better answers over worse ones. */
const plugin: TrainingRecipePlugin = defineTrainingRecipe({
  summary: "the clip preferred over its absent twin, and better answers over worse ones (DPO, an adapter)",
  source: "Rafailov et al. 2023 (DPO); beta and the adapter's rate as in TEMPLE (2025)",
  params: z.strictObject({}),
  create: () => ({
    loop: "dpo",
    settings: {
      losses: { preference: { beta: 0.1 } },
      schedule: { learningRate: 5e-6 },
      lora: { rank: 32, alpha: 64 },
      watch: { metric: "validation/preference" },
    },
    paper: [],
  }),
});

export default plugin;
