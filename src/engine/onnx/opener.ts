import { z } from "zod";
import { adaptedModel } from "../../model/adapted-model.ts";
import { readConfigFile } from "../../model/families.ts";
import { readAdapter } from "../../weights/adapter.ts";
import { adamW } from "../adamw.ts";
import type { DualEncoderOpener } from "../dual-encoder.ts";
import {
  checkSameEncoder,
  loadDualEncoder,
  newDualEncoderStore,
  readDualEncoder,
  saveDualEncoder,
} from "../dual-encoder-store.ts";
import { defineEngine, type EnginePlugin } from "../engine-plugin.ts";
import { loadOptimizer, saveOptimizer } from "../optimizer-state.ts";
import { DualEncoder } from "./dual-encoder.ts";
import { DualEncoderStep } from "./dual-encoder-step.ts";
import { openEmbedded } from "./open.ts";

const dualEncoder: DualEncoderOpener = {
  open: async (folder, threads) => new DualEncoder(await loadDualEncoder(folder), threads),
  create: async (config, seed, shape, threads) => {
    const store = newDualEncoderStore(config, seed);
    const step = await DualEncoderStep.compile(config, store, shape, threads);
    return {
      step: (numbers) => step.run(numbers),
      update: async (rule) => {
        adamW(store, rule);
      },
      save: async (folder, { optimizer = false } = {}) => {
        saveDualEncoder(folder, config, store);
        if (optimizer) saveOptimizer(folder, store);
      },
      load: async (folder) => {
        checkSameEncoder(folder, config);
        await readDualEncoder(folder, store);
        await loadOptimizer(folder, store);
      },
      [Symbol.asyncDispose]: () => step[Symbol.asyncDispose](),
    };
  },
};

const onnx: EnginePlugin = defineEngine({
  summary: "the embedded engine: our own graph, run by ONNX Runtime in this process",
  source: "ours",
  params: z.strictObject({
    execution: z
      .enum(["auto", "whole", "layerwise"])
      .default("auto")
      .describe("as one graph, or block by block; auto: by the number of parameters"),
    weightStorage: z
      .enum(["auto", "float32", "as-stored"])
      .default("auto")
      .describe("frozen matrices block by block; auto: as stored when float32 takes over half of the memory"),
    decodeWeights: z
      .enum(["float32", "int8"])
      .default("float32")
      .describe("matrices while completions are drawn; int8: 8 bits, faster"),
  }),
  create: (params) => ({
    open: async ({ folder, trained, adapterFolder, threads, recurringShapes, features }) => {
      const adapter =
        adapterFolder === undefined
          ? undefined
          : await readAdapter(adapterFolder, adaptedModel(await readConfigFile(folder)));
      const kept = recurringShapes === undefined ? {} : { keptPlans: recurringShapes };
      return openEmbedded(folder, trained, { ...params, ...kept, threads, features }, adapter);
    },
    dualEncoder,
  }),
});

export default onnx;
