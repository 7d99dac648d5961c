import { z } from "zod";
import { defineTrainingRecipe, type TrainingRecipePlugin } from "../training-recipes.ts";

/** Answers to fragment tasks, all tasks alike, alone or mixed with other data sets. */
const plugin: TrainingRecipePlugin = defineTrainingRecipe({
  summary: "answers to the tasks that `fragments` makes of unlabelled clips, alone or beside other data sets",
  source: "SF2T (arXiv 2504.07745): next-token loss on five fragment tasks; that tasks weigh alike is ours",
  params: z.strictObject({}),
  create: () => ({
    loop: "sft",
    settings: {
      losses: { "cross-entropy": {} },
      schedule: { learningRate: 1e-5 },
      mix: {
        skills: { counting: 1, consistency: 1, localization: 1, disorder: 1, rearrangement: 1 },
      },
    },
    paper: [],
  }),
});

export default plugin;
