import {
  gatedMlpParameters,
  linearParameters,
  type Parameter,
  scaleParameter,
} from "../../weights/parameter.ts";
import type { Qwen25VLConfig } from "./config.ts";

/** The tower's parameters in the order of the data flow. */
export const towerParameters = ({ vision }: Qwen25VLConfig): Parameter[] => {
  const { hiddenSize, inChannels, temporalPatchSize, patchSize } = vision;
  const merged = hiddenSize * vision.spatialMergeSize ** 2;
  return [
    {
      name: "visual.patch_embed.proj.weight",
      shape: [hiddenSize, inChannels, temporalPatchSize, patchSize, patchSize],
    },
    ...Array.from({ length: vision.depth }, (_, index) => {
      const block = `visual.blocks.${index}`;
      return [
        scaleParameter(`${block}.norm1`, hiddenSize),
        ...linearParameters(`${block}.attn.qkv`, 3 * hiddenSize, hiddenSize, true),
        ...linearParameters(`${block}.attn.proj`, hiddenSize, hiddenSize, true),
        scaleParameter(`${block}.norm2`, hiddenSize),
        ...gatedMlpParameters(`${block}.mlp`, hiddenSize, vision.intermediateSize, true),
      ];
    }).flat(),
    scaleParameter("visual.merger.ln_q", hiddenSize),
    ...linearParameters("visual.merger.mlp.0", merged, merged, true),
    ...linearParameters("visual.merger.mlp.2", vision.outHiddenSize, merged, true),
  ];
};
