import { defineTrainingRecipe, type TrainingRecipePlugin, z } from "videoperceiver/plugins";

/** Answers, and twins at right angles to their clips: somebody's loss in somebody's recipe. */
const rightAngles: TrainingRecipePlugin = defineTrainingRecipe({
  summary: "answers, and twins at right angles to their clips",
  source: "ours",
  params: z.strictObject({}),
  create: () => ({
    loop: "sft",
    settings: {
      losses: { "cross-entropy": {}, apart: { block: 1 } },
      schedule: { learningRate: 1e-2 },
      clipsPerStep: 7,
    },
    paper: [],
  }),
});

export default rightAngles;
