import { makers, recipeOf } from "./arms.ts";
import type { GrpoArm, ReproArm, ReproScale, ReproStudy } from "./study.ts";

const onAccuracy = { rewards: { accuracy: 1 }, lambda: 0 } as const;
/** Draws of roll-outs from one start: what differs between them is chance. */
const draws = [1, 2, 3] as const;

const rl = (
  name: string,
  title: string,
  what: string,
  options: GrpoArm["options"],
  more: Omit<GrpoArm, "kind" | "options"> = {},
): ReproArm => ({ name, title, what, from: "base", train: { kind: "grpo", ...more, options } });

/** The same arm with several seeds of RL alone. */
const drawnAgain = (name: string, title: string, what: string, options: GrpoArm["options"]): ReproArm[] =>
  draws.map((seed) => rl(`${name}-${seed}`, `${title}, draw ${seed}`, what, { ...options, seed }));

/** Why comparison does not raise sensitivity: each reason taken away in an arm of its own. */
const reasons = (steps: number): readonly ReproArm[] => [
  rl("rl-long", "Four times the steps", "reason: too few updates", { steps: 4 * steps }),
  rl("rl-reused", "Four updates a roll-out", "reason: too few updates", { updatesPerRollout: 4 }),
  rl("rl-fast", "Four times the rate", "reason: updates too small", { learningRate: 1.2e-3 }),
  rl("rl-signed", "Every pair counts", "reason: winners only, most advantages are 0", {
    advantage: { name: "centred", params: {} },
  }),
  rl("rl-hot", "Temperature 1.5", "reason: groups whose answers are all alike", { temperature: 1.5 }),
  rl("rl-many", "32 completions of 4 prompts", "reason: noise in single pairs; equal roll-outs", {
    completions: 32,
    promptsPerStep: 4,
  }),
  rl(
    "rl-scripted",
    "Scripted twins",
    "reason: detected twins still show the event",
    {},
    { twins: "scripted" },
  ),
  rl("rl-same", "Control: the twin is the clip", "what comparison gains when there is nothing to compare", {
    control: "twin-is-clip",
  }),
];

/** Comparative GRPO under the microscope: forks of one base, each without one reason for its failure. */
export const comparison = (scale: ReproScale): ReproStudy => {
  const recipe = recipeOf(scale, 3);
  const { base, fork } = makers(recipe);
  const { steps } = recipe.grpo;
  const again = (name: string): string[] => draws.map((draw) => `${name}-${draw}`);
  const own = reasons(steps);
  return {
    name: "comparison",
    rlShare: 0.2,
    question: "Why does comparison not raise sensitivity?",
    recipe,
    arms: [
      base,
      ...drawnAgain(
        "rl-accuracy",
        "GRPO on accuracy",
        "the fair control: right answers are rewarded",
        onAccuracy,
      ),
      ...drawnAgain("rl-comparative", "Comparative GRPO", "as it stands", {}),
      ...own,
      fork(
        "told",
        "Told the answers",
        "reason: nothing more can be seen; SFT on RL's clips, the same steps",
        {
          steps,
          clips: "reinforcement",
        },
      ),
    ],
    comparisons: [
      ...again("rl-comparative").map((name) => [name, "base"] as const),
      ...again("rl-accuracy").map((name) => [name, "base"] as const),
      ["rl-comparative-1", "rl-accuracy-1"],
      ["rl-comparative-2", "rl-accuracy-2"],
      ["rl-comparative-3", "rl-accuracy-3"],
      ...own.flatMap(({ name }) => [[name, "rl-comparative-1"] as const, [name, "base"] as const]),
      ["told", "base"],
      ["told", "rl-comparative-1"],
    ],
    paper: {
      title: "Table 5: comparison of the 7B model",
      columns: ["MotionBench", "VRU VQA", "VRU caption"],
      rows: [
        { arm: "rl-comparative-1", title: "full", values: [".69", "73.7", ".297"] },
        { arm: null, title: "C: plain GRPO", values: [".51", "68.4", ".279"] },
      ],
    },
  };
};
