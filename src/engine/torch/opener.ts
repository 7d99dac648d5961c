import { z } from "zod";
import { defineEngine, type EnginePlugin } from "../engine-plugin.ts";
import { openTorch } from "./open.ts";

const torch: EnginePlugin = defineEngine({
  summary: "transformers' own modules on PyTorch, in a Python process: `videoperceiver engine install torch`",
  source: "Qwen2.5-VL in transformers; our worker in python/",
  params: z.strictObject({
    python: z
      .string()
      .optional()
      .describe("interpreter that has the packages; default: the environment of `engine install torch`"),
    attention: z
      .enum(["sdpa", "eager"])
      .default("sdpa")
      .describe("transformers' attention; rows that see nothing are always computed eagerly"),
    mediaBytes: z.number().min(0).default(4e9).describe("most bytes of patches that the worker keeps"),
    deadlineSeconds: z
      .number()
      .positive()
      .optional()
      .describe("longest time of a call that names none of its own; then the engine is lost"),
  }),
  create: (params) => ({ open: (request) => openTorch(request, params) }),
});

export default torch;
