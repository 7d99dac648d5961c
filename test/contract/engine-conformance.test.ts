import type { Engine } from "../../src/engine/contract.ts";
import { openLoopback } from "../../src/engine/loopback/open.ts";
import { type Execution, openEngine } from "../../src/engine/onnx/open.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { readConfigFile } from "../../src/model/families.ts";
import { readAdapter } from "../../src/weights/adapter.ts";
import { type ConformanceModel, engineConformance } from "./engine-conformance.ts";

const embedded =
  (execution: Execution) =>
  async ({ folder, trained, adapterFolder }: ConformanceModel): Promise<Engine> => {
    const adapter =
      adapterFolder === undefined
        ? undefined
        : await readAdapter(adapterFolder, adaptedModel(await readConfigFile(folder)));
    return (await openEngine(folder, trained, { threads: 1, execution }, adapter)).engine;
  };

engineConformance("whole graph", embedded("whole"), { numbers: 0, losses: 0 });
// Sums are in another order: float32 rounding, which 20 updates carry on.
engineConformance("layer by layer", embedded("layerwise"), { numbers: 1e-5, losses: 2e-3 });
engineConformance(
  "loopback",
  async (model) => (await openLoopback({ ...model, options: { threads: 1, execution: "whole" } })).engine,
  { numbers: 0, losses: 1e-6 },
);
