import type { Parameter } from "../weights/parameter.ts";
import { scaleParameter } from "../weights/parameter.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf } from "./families.ts";
import { headModule, lastNormName, tableName } from "./language-names.ts";

/** The head's own matrix, of a model that has one. */
export const headParameter = ({ text }: ModelConfig): Parameter => ({
  name: `${headModule}.weight`,
  shape: [text.vocabSize, text.hiddenSize],
});

/** Every parameter of a model in the order of the data flow. Tied embeddings have no `lm_head.weight`. */
export const expectedTensors = (config: ModelConfig): Parameter[] => {
  const { text } = config;
  const family = familyOf(config);
  const table = [text.vocabSize, text.hiddenSize];
  return [
    ...family.vision.parameters(config),
    { name: tableName, shape: table },
    ...Array.from({ length: text.layers }, (_, layer) => family.block.parameters(layer, text)).flat(),
    scaleParameter(lastNormName.replace(/\.weight$/, ""), text.hiddenSize),
    ...(text.tieWordEmbeddings ? [] : [headParameter(config)]),
  ];
};
