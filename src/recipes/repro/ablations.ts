import { type ArmMakers, heavy, makers, recipeOf, shared } from "./arms.ts";
import type { GrpoArm, ReproArm, ReproScale, ReproStudy, SftArm } from "./study.ts";

const table5 = {
  title: "Table 5: ablations of the 7B model",
  columns: ["MotionBench", "VRU VQA", "VRU caption"],
  rows: [
    { arm: "rl-comparative", title: "full", values: [".69", "73.7", ".297"] },
    { arm: "random", title: "A: random frames instead of key frames", values: [".53", "67.1", ".288"] },
    { arm: "plain", title: "B: no contrastive loss in SFT", values: [".55", "70.4", ".274"] },
    { arm: "rl-plain", title: "C: plain GRPO", values: [".51", "68.4", ".279"] },
    { arm: "no-curated", title: "D: public data only", values: [".60", "69.6", ".291"] },
  ],
} as const;

/** Each kind of contrast, and as many steps without. */
const contrastArms = ({ fork }: ArmMakers, forkSteps: number): readonly ReproArm[] => [
  fork("plain", "Plain SFT", "as many steps without contrast (ablation B)", {}),
  fork("scripted", "Contrast, scripted twins", "twins from the scripted truth: the upper bound", {
    contrast: shared,
    twins: "scripted",
  }),
  fork("random", "Contrast, random frames", "as many other frames frozen (ablation A)", {
    contrast: shared,
    twins: "random",
  }),
  fork("literal", "Contrast, literal", "the paper's three end tokens and weight 0.1", {
    contrast: { ...heavy, encoding: "literal" },
  }),
  fork(
    "detected",
    "Contrast, detected twins",
    "the default: one end token, key frames found by our encoder",
    {
      contrast: shared,
    },
  ),
  fork("scripted-heavy", "Contrast, scripted twins, 0.1", "the paper's weight", {
    contrast: heavy,
    twins: "scripted",
  }),
  fork("plain-long", "Plain SFT, twice the steps", "about as much time as contrast takes", {
    steps: 2 * forkSteps,
  }),
  fork("no-curated", "Contrast without event texts", "texts about events are left out (ablation D)", {
    contrast: shared,
    curated: false,
  }),
];

const rl = (name: string, title: string, what: string, options: GrpoArm["options"]): ReproArm => ({
  name,
  title,
  what,
  from: "detected",
  train: { kind: "grpo", options },
});

/** Every comparison, and GRPO without one. */
const comparisonArms: readonly ReproArm[] = [
  rl("rl-accuracy", "GRPO on accuracy", "the fair control: right answers are rewarded", {
    rewards: { accuracy: 1 },
    lambda: 0,
  }),
  rl("rl-plain", "GRPO on form", "base rewards without comparison (ablation C)", { lambda: 0 }),
  rl("rl-comparative", "Comparative GRPO", "the paper's comparison as reconstructed", {}),
  rl("rl-centred", "Comparative GRPO, centred", "every pair counts, losers too", {
    advantage: { name: "centred", params: {} },
  }),
  rl("rl-group", "Comparative GRPO, group", "against the mean of the twin's answers, centred in the group", {
    advantage: { name: "group", params: {} },
  }),
  rl("rl-no-refeed", "Comparative GRPO, no refeed", "losers are not drawn again", { refeedTries: 0 }),
];

/** Where few texts are labelled and all clips can be contrasted. */
const fewLabelArms = ({ base, fork }: ArmMakers): readonly ReproArm[] => [
  {
    ...base,
    name: "base-few",
    title: "Base, 10 % of the labels",
    what: "texts of every tenth clip only",
    train: { ...(base.train as SftArm), labels: 0.1 },
  },
  fork("few-plain", "Plain SFT, 10 % of the labels", "no contrast", { labels: 0.1 }, "base-few"),
  fork(
    "few-scripted",
    "Contrast, 10 % of the labels",
    "all clips contrasted, texts of every tenth",
    { labels: 0.1, contrast: shared, twins: "scripted" },
    "base-few",
  ),
];

const comparisons: ReproStudy["comparisons"] = [
  ["scripted", "plain"],
  ["scripted", "random"],
  ["detected", "plain"],
  ["detected", "random"],
  ["literal", "plain"],
  ["scripted-heavy", "plain"],
  ["detected", "plain-long"],
  ["rl-accuracy", "detected"],
  ["rl-comparative", "rl-accuracy"],
  ["rl-comparative", "rl-plain"],
  ["rl-centred", "rl-accuracy"],
  ["rl-group", "rl-accuracy"],
  ["rl-no-refeed", "rl-comparative"],
  ["no-curated", "detected"],
  ["few-scripted", "few-plain"],
];

/** Table 5: what contrast, comparison and curated questions are worth. */
export const ablations = (scale: ReproScale): ReproStudy => {
  const recipe = recipeOf(scale, 3);
  const arms = makers(recipe);
  return {
    name: "ablations",
    rlShare: 0.2,
    question: "Does contrast, and does comparison, make the model look at the decisive frames?",
    recipe,
    arms: [arms.base, ...contrastArms(arms, recipe.sft.forkSteps), ...comparisonArms, ...fewLabelArms(arms)],
    comparisons,
    paper: table5,
  };
};
