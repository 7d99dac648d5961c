import { makers, recipeOf, shared } from "./arms.ts";
import type { ReproArm, ReproScale, ReproStudy } from "./study.ts";

/** Table 6, frame rates: how densely a trained model is asked. */
export const frameRates = (scale: ReproScale): ReproStudy => {
  const recipe = recipeOf(scale, 3);
  const { base, fork } = makers(recipe);
  const rates = [0.5, 1, 2, 4];
  const asked = (rate: number, from: string): ReproArm => ({
    name: `${from}-at-${rate}`,
    title: `${from === "plain" ? "Plain SFT" : "Contrast"}, asked at ${rate} fps`,
    what: "the same weights",
    from,
    train: null,
    askedAt: rate,
  });
  return {
    name: "frame-rates",
    rlShare: 0,
    question: "How many frames a second does a model need that was trained at 4?",
    recipe,
    arms: [
      base,
      fork("plain", "Plain SFT", "as many steps without contrast", {}),
      fork("scripted", "Contrast", "scripted twins", { contrast: shared, twins: "scripted" }),
      ...rates.flatMap((rate) => [asked(rate, "scripted"), asked(rate, "plain")]),
    ],
    comparisons: rates.map((rate) => [`scripted-at-${rate}`, `plain-at-${rate}`] as const),
    paper: {
      title: "Table 6: frames a second at which the 7B model is asked, MotionBench",
      columns: ["Dev"],
      rows: [
        { arm: null, title: "0.25", values: [".55"] },
        { arm: "scripted-at-0.5", title: "0.5", values: [".58"] },
        { arm: "scripted-at-1", title: "1", values: [".69"] },
        { arm: "scripted-at-2", title: "2", values: [".72"] },
        { arm: "scripted-at-4", title: "4", values: [".72"] },
      ],
    },
  };
};
