import { makers, recipeOf, shared } from "./arms.ts";
import type { ReproScale, ReproStudy } from "./study.ts";

/** Table 6, blocks: where contrast taps. */
export const layers = (scale: ReproScale): ReproStudy => {
  const depth = 6;
  const recipe = recipeOf(scale, depth);
  const { base, fork } = makers(recipe);
  const blocks = Array.from({ length: depth }, (_, i) => i + 1);
  return {
    name: "layers",
    rlShare: 0,
    question: "At which block is contrast worth most?",
    recipe: { ...recipe, sft: { ...recipe.sft, contrast: { ...shared, block: 3 } } },
    arms: [
      base,
      fork("plain", "Plain SFT", "as many steps without contrast", {}),
      ...blocks.map((block) =>
        fork(`block-${block}`, `Contrast at block ${block}`, `of ${depth}, scripted twins`, {
          contrast: { ...shared, block },
          twins: "scripted",
        }),
      ),
    ],
    comparisons: blocks.map((block) => [`block-${block}`, "plain"] as const),
    paper: {
      title: "Table 6: contrastive blocks of the 7B model (of 28; the paper counts to 32), MotionBench",
      columns: ["Dev"],
      rows: [
        { arm: "block-2", title: "8", values: [".63"] },
        { arm: "block-3", title: "16", values: [".69"] },
        { arm: "block-5", title: "24", values: [".65"] },
      ],
    },
  };
};
