import type { AdaptedModel } from "../weights/adapter-names.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf } from "./families.ts";
import { expectedTensors, headParameter } from "./parameters.ts";

/** A model as adapters see it. */
export const adaptedModel = (config: ModelConfig): AdaptedModel => ({
  parameters: expectedTensors(config),
  ...(config.text.tieWordEmbeddings && { tiedHead: headParameter(config) }),
  names: familyOf(config).names,
});
