import { openEngine } from "../../src/engine/engines.ts";
import { type ConformanceTolerance, engineConformance } from "./engine-conformance.ts";

const suite = (engine: string, tolerance: ConformanceTolerance): void =>
  engineConformance(
    engine,
    async (model) => (await openEngine({ engine, threads: 1 }, model)).engine,
    tolerance,
  );

suite("onnx:execution=whole", { numbers: 0, losses: 0 });
// Sums are in another order: float32 rounding, which 20 updates carry on.
suite("onnx:execution=layerwise", { numbers: 1e-5, losses: 2e-3 });
suite("loopback", { numbers: 0, losses: 1e-6 });
