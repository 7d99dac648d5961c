import {
  addScalar,
  defineModelFamily,
  type ModelFamily,
  type ModelFamilyPlugin,
  modelFamilies,
  type Weights,
} from "videoperceiver/model";
import { z } from "zod";

/** Qwen2-VL whose language blocks store their norms as differences from 1. */
const base: ModelFamily = (await modelFamilies.make("qwen2_vl")).value;

const shifted = (weights: Weights): Weights => ({
  ...weights,
  get: (name) => (name.endsWith("layernorm.weight") ? addScalar(weights.get(name), 1) : weights.get(name)),
});

const family: ModelFamily = {
  ...base,
  title: "Offset-VL",
  readConfig: (root) => ({ ...base.readConfig(root), family: "offset_vl" }),
  block: {
    parameters: base.block.parameters,
    projections: (x, layer, tables, text, weights) =>
      base.block.projections(x, layer, tables, text, shifted(weights)),
    finish: (x, mixed, layer, text, weights) => base.block.finish(x, mixed, layer, text, shifted(weights)),
  },
};

const plugin: ModelFamilyPlugin = defineModelFamily({
  summary: "Qwen2-VL with norms as offsets",
  source: "ours, for a test",
  params: z.strictObject({}),
  create: () => family,
});
export default plugin;
