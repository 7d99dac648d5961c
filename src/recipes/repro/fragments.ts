import { makers, recipeOf, shared } from "./arms.ts";
import type { ReproArm, ReproScale, ReproStudy } from "./study.ts";

const tasks = [
  "counting:least=2,most=5",
  "consistency",
  "localization:least=3,most=3",
  "disorder:least=3,most=3",
  "rearrangement:least=3,most=3",
] as const;

/** SF2T's 2x2: fragment tasks before, after and beside supervised fine-tuning, and what of it is not looking. */
export const fragments = (scale: ReproScale): ReproStudy => {
  const recipe = recipeOf(scale, 3);
  const { base, fork } = makers(recipe);
  const { forkSteps } = recipe.sft;
  // A step of fragments shows a few pictures and one question: three of them take about as long as one of SFT.
  const all = { fragments: { share: 1, repeated: false }, steps: 3 * forkSteps } as const;
  const arms: readonly ReproArm[] = [
    { ...base, title: "Base" },
    fork("sf2t", "Base + SF2T", "fragment tasks behind the base, about as long as SFT", all),
    fork("sft", "Base (SFT)", "as many steps of plain SFT behind the base", {}),
    fork("sft-sf2t", "Base (SFT) + SF2T", "fragment tasks behind those", all, "sft"),
    fork("sft-more", "Base (SFT) + SFT", "plain SFT again, about as long: the fair control", {}, "sft"),
    fork(
      "sft-repeated",
      "Base (SFT) + SF2T without sight",
      "the same questions and answers, one picture repeated",
      { ...all, fragments: { share: 1, repeated: true } },
      "sft",
    ),
    fork(
      "sft-mixed",
      "Base (SFT) + SFT and SF2T",
      "one step of SFT in four, in the same time",
      { fragments: { share: 0.75, repeated: false }, steps: 2 * forkSteps },
      "sft",
    ),
    fork("contrast", "Contrast", "instead of the plain SFT, scripted twins", {
      contrast: shared,
      twins: "scripted",
    }),
    fork("contrast-sf2t", "Contrast + SF2T", "fragment tasks behind contrast", all, "contrast"),
  ];
  return {
    name: "fragments",
    rlShare: 0,
    question: "Does training on what clips say about themselves help to answer questions about them?",
    recipe,
    arms,
    comparisons: [
      ["sf2t", "base"],
      ["sft", "base"],
      ["sft-sf2t", "sft"],
      ["sft-sf2t", "sft-more"],
      ["sft-sf2t", "sft-repeated"],
      ["sft-mixed", "sft-more"],
      ["contrast-sf2t", "contrast"],
      ["contrast-sf2t", "sft-sf2t"],
    ],
    fragments: { tasks, selector: "motion_guided", perClip: 2 },
    paper: {
      title: "SF2T, Figure 1: four models from both starts (their numbers are not in the text that we have)",
      columns: ["direction"],
      rows: [
        { arm: "base", title: "Base", values: ["–"] },
        { arm: "sf2t", title: "Base + SF2T", values: ["above Base, all four"] },
        { arm: "sft", title: "Base (SFT)", values: ["–"] },
        { arm: "sft-sf2t", title: "Base (SFT) + SF2T", values: ["above Base (SFT), all four"] },
      ],
    },
  };
};
