import { z } from "zod";
import { defineTrainingRecipe, type TrainingRecipePlugin } from "../training-recipes.ts";

/** A small encoder that says how well a frame fits words, on one's own clips and captions. */
const plugin: TrainingRecipePlugin = defineTrainingRecipe({
  summary: "a small frame-text encoder for --relevance checkpoint:RUN, from nothing, on clips with captions",
  source: "VideoPerceiver eq. (1): cosine of a frame and the pooled keywords; encoder and loss are ours",
  params: z.strictObject({}),
  create: () => ({
    loop: "relevance",
    settings: { clipsPerStep: 24, schedule: { learningRate: 3e-3 } },
    paper: [],
  }),
});

export default plugin;
