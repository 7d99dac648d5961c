import { makers, recipeOf } from "./arms.ts";
import type { ReproArm, ReproScale, ReproStudy } from "./study.ts";

const tasks = ["disorder:least=3,most=3", "rearrangement:least=3,most=3"] as const;

/**
 * What learning order is good for: the two order tasks of SF2T, of unlabelled clips of a world in which a model of this size
 * learns them (`scripts/fragment-order.ts`), before, behind and beside supervised fine-tuning. In `fragments` no arm learns order,
 * so it says nothing of that. Behind SFT, order tasks alone and mixed have a control each: the same questions and answers, one
 * picture repeated.
 */
export const order = (scale: ReproScale): ReproStudy => {
  const usual = recipeOf(scale, 3);
  // Of 1e-3 order comes later, if at all.
  const recipe = { ...usual, sft: { ...usual.sft, forkLearningRate: 1.5e-3 } };
  const { base, fork } = makers(recipe);
  const { forkSteps } = recipe.sft;
  // A step of fragments shows a few pictures and one question: three of them take about as long as one of SFT.
  const all = { fragments: { share: 1, repeated: false }, steps: 3 * forkSteps } as const;
  const mixed = { fragments: { share: 0.75, repeated: false }, steps: 4 * forkSteps } as const;
  const arms: readonly ReproArm[] = [
    { ...base, title: "Base" },
    fork("order", "Base + order", "order tasks behind the base, about as long as SFT", all),
    fork("sft", "Base (SFT)", "as many steps of plain SFT behind the base", {}),
    fork("sft-order", "Base (SFT) + order", "order tasks behind those", all, "sft"),
    fork(
      "sft-more",
      "Base (SFT) + SFT",
      "plain SFT again: as many steps of it as the mixed arms have",
      {},
      "sft",
    ),
    fork(
      "sft-mixed",
      "Base (SFT) + SFT and order",
      "as many steps of SFT, and three of order tasks for each",
      mixed,
      "sft",
    ),
    fork(
      "mixed-repeated",
      "Base (SFT) + SFT and order without sight",
      "the same, one picture of each order question repeated",
      { ...mixed, fragments: { share: 0.75, repeated: true } },
      "sft",
    ),
    fork(
      "sft-repeated",
      "Base (SFT) + order without sight",
      "order tasks behind SFT, one picture of each question repeated",
      { ...all, fragments: { share: 1, repeated: true } },
      "sft",
    ),
  ];
  return {
    name: "order",
    rlShare: 0,
    question:
      "Does a model that has learnt the order of time from unlabelled clips answer other questions better?",
    recipe,
    arms,
    comparisons: [
      ["order", "base"],
      ["sft", "base"],
      ["sft-order", "sft"],
      ["sft-order", "sft-repeated"],
      ["sft-mixed", "sft-more"],
      ["sft-mixed", "mixed-repeated"],
    ],
    fragments: { profile: "one-way", tasks, selector: "uniform", perClip: 2 },
    paper: {
      title:
        "SF2T, Figure 1: four models from both starts, all five tasks (their numbers are not in the text that we have)",
      columns: ["direction"],
      rows: [
        { arm: "base", title: "Base", values: ["–"] },
        { arm: "order", title: "Base + SF2T", values: ["above Base, all four"] },
        { arm: "sft", title: "Base (SFT)", values: ["–"] },
        { arm: "sft-order", title: "Base (SFT) + SF2T", values: ["above Base (SFT), all four"] },
      ],
    },
  };
};
