import type { ModelFamily } from "../family.ts";
import { qwenProcessorRules } from "../qwen-processor-rules.ts";
import { qwenTensorNames } from "../qwen-tensor-names.ts";
import { qwen2Block } from "../qwen2-block.ts";
import { type Qwen25VLConfig, readQwen25Config, writeQwen25Config } from "./config.ts";
import { timeOfStep } from "./time-of-step.ts";
import { qwen25Tower } from "./tower.ts";

/** Qwen2.5-VL. */
export const qwen25Family: ModelFamily<Qwen25VLConfig> = {
  title: "Qwen2.5-VL",
  readConfig: readQwen25Config,
  writeConfig: writeQwen25Config,
  names: qwenTensorNames,
  vision: qwen25Tower,
  block: qwen2Block,
  timeOfStep,
  processor: qwenProcessorRules,
};
