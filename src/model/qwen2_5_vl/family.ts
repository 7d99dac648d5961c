import { z } from "zod";
import { defineModelFamily, type ModelFamily, type ModelFamilyPlugin } from "../family.ts";
import { qwenProcessorRules } from "../qwen-processor-rules.ts";
import { qwenTensorNames } from "../qwen-tensor-names.ts";
import { qwen2Block } from "../qwen2-block.ts";
import { type Qwen25VLConfig, readQwen25Config, writeQwen25Config } from "./config.ts";
import { timeOfStep } from "./time-of-step.ts";
import { qwen25Tower } from "./tower.ts";

const family: ModelFamily<Qwen25VLConfig> = {
  title: "Qwen2.5-VL",
  readConfig: readQwen25Config,
  writeConfig: writeQwen25Config,
  names: qwenTensorNames,
  vision: qwen25Tower,
  block: qwen2Block,
  timeOfStep,
  processor: qwenProcessorRules,
};

const plugin: ModelFamilyPlugin = defineModelFamily({
  summary: "Qwen2.5-VL: a tower with attention in windows, positions in time by seconds",
  source: "Qwen2.5-VL technical report, arXiv 2502.13923",
  params: z.strictObject({}),
  create: () => family,
});
export default plugin;
