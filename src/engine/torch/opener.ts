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
    ranks: z.number().int().min(1).max(4096).default(1).describe("processes that share weights and batches"),
    launcher: z
      .string()
      .optional()
      .describe("who starts the ranks: torchrun (the default), or a Ray cluster's ray://HOST:PORT"),
    listen: z
      .string()
      .optional()
      .describe("HOST:PORT where ranks of other machines dial; without a launcher somebody else starts them"),
    compute: z
      .enum(["float32", "bfloat16"])
      .default("float32")
      .describe("what products are computed in; trained weights, moments and sums over ranks are float32"),
    recompute: z
      .boolean()
      .default(false)
      .describe("blocks compute their insides again for the gradient: less memory, a third more time"),
    startSeconds: z.number().positive().default(1800).describe("longest time until all ranks have the model"),
    heartbeatSeconds: z
      .number()
      .positive()
      .default(60)
      .describe(
        "longest time without a sign of life of a rank, at least 60 until it has the model; then the engine is lost",
      ),
    collectiveSeconds: z
      .number()
      .positive()
      .default(1800)
      .describe("longest time that a rank waits for the others within a call"),
  }),
  create: (params) => ({ open: (request) => openTorch(request, params) }),
});

export default torch;
