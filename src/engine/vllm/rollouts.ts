import { z } from "zod";
import { defineRollouts, type RolloutPlugin } from "../rollouts.ts";
import { openVllm } from "./vllm-rollouts.ts";

/** A vLLM server that the person has started. */
const plugin: RolloutPlugin = defineRollouts({
  summary: "a vLLM server, which gets the adapter anew after every update",
  source: "vLLM 0.32, /inference/v1/generate and /v1/load_lora_adapter",
  params: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).describe("the server's address, e.g. http://127.0.0.1:8000"),
    apiKeyVariable: z.string().default("VLLM_API_KEY").describe("environment variable that holds its key"),
    concurrency: z.int().min(1).default(8).describe("prompts that are with the server at the same time"),
    deadlineSeconds: z.number().positive().default(900).describe("longest time of a prompt's completions"),
    patienceSeconds: z
      .number()
      .nonnegative()
      .default(300)
      .describe("how long a server that is busy, restarting or gone is asked again"),
    serverFolder: z
      .string()
      .min(1)
      .exactOptional()
      .describe("what the server calls the run's folder `rollout-adapters`; left out: the same"),
  }),
  argument: "url",
  create:
    ({ apiKeyVariable, serverFolder, ...params }) =>
    (means) =>
      openVllm(means, { ...params, serverFolder, apiKey: process.env[apiKeyVariable] }),
});

export default plugin;
