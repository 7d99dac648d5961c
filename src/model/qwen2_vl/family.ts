import { z } from "zod";
import { defineModelFamily, type ModelFamily, type ModelFamilyPlugin } from "../family.ts";
import { qwenProcessorRules } from "../qwen-processor-rules.ts";
import { qwenTensorNames } from "../qwen-tensor-names.ts";
import { qwen2Block } from "../qwen2-block.ts";
import { type Qwen2VLConfig, readQwen2Config, writeQwen2Config } from "./config.ts";
import { qwen2Tower } from "./tower.ts";

const family: ModelFamily<Qwen2VLConfig> = {
  title: "Qwen2-VL",
  readConfig: readQwen2Config,
  writeConfig: writeQwen2Config,
  names: qwenTensorNames,
  vision: qwen2Tower,
  block: qwen2Block,
  // Under every rule: time is counted in temporal steps, however far apart they are.
  timeOfStep: (step) => step,
  processor: qwenProcessorRules,
};

const plugin: ModelFamilyPlugin = defineModelFamily({
  summary: "Qwen2-VL: a tower with attention in whole frames, positions in time by steps",
  source: "Qwen2-VL, arXiv 2409.12191",
  params: z.strictObject({}),
  create: () => family,
});
export default plugin;
