import { gatedMlpParameters, type Parameter, scaleParameter } from "../../weights/parameter.ts";
import { attentionParameters, mergerParameters, patchKernel } from "../tower-pieces.ts";
import { type Qwen25VLConfig, towerSizes } from "./config.ts";

/** The tower's parameters in the order of the data flow. */
export const towerParameters = ({ vision }: Qwen25VLConfig): Parameter[] => {
  const sizes = towerSizes(vision);
  return [
    patchKernel(sizes),
    ...Array.from({ length: vision.depth }, (_, index) => {
      const block = `visual.blocks.${index}`;
      return [
        scaleParameter(`${block}.norm1`, sizes.width),
        ...attentionParameters(`${block}.attn`, sizes),
        scaleParameter(`${block}.norm2`, sizes.width),
        ...gatedMlpParameters(`${block}.mlp`, sizes.width, vision.intermediateSize, true),
      ];
    }).flat(),
    scaleParameter("visual.merger.ln_q", sizes.width),
    ...mergerParameters(sizes),
  ];
};
