import type { BenchDefinition } from "./define-bench.ts";
import { buildPairsBench } from "./sides/build-pairs-bench.ts";

const definition: BenchDefinition = buildPairsBench("build-pairs", 34);

export default definition;
