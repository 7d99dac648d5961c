import type { BenchDefinition } from "./define-bench.ts";
import { buildPairsBench } from "./sides/build-pairs-bench.ts";

const definition: BenchDefinition = buildPairsBench("build-pairs-few", 6);

export default definition;
