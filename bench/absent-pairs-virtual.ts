import type { BenchDefinition } from "./define-bench.ts";
import { absentPairsBench } from "./sides/absent-pairs-bench.ts";

const definition: BenchDefinition = absentPairsBench("virtual");

export default definition;
