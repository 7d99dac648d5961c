import { z } from "zod";
import { defineTrainingRecipe, type TrainingRecipePlugin } from "../training-recipes.ts";

/** Plain next-token fine-tuning on the assistant's answers. */
const plugin: TrainingRecipePlugin = defineTrainingRecipe({
  summary: "supervised fine-tuning on answers",
  source: "next-token term of VideoPerceiver eq. (7)",
  params: z.strictObject({}),
  create: () => ({
    loop: "sft",
    settings: { losses: { "cross-entropy": {} }, schedule: { learningRate: 1e-5 } },
    paper: ["clipsPerStep"],
  }),
});

export default plugin;
