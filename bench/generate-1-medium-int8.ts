import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { generateLimit } from "./sides/limits.ts";
import { anchor, ours, prepare } from "./sides/qwen2_5_vl.ts";

const bench: BenchDefinition = defineBench({
  name: "generate-1-medium-int8",
  unit: "tokens/s",
  summary:
    "1 completion of 64 tokens about one clip, medium shape; ours with int8 weights, the anchor in float32",
  better: "more",
  needsPython: true,
  rounds: 3,
  prepare: prepare("medium"),
  ours: ours("generate", "medium", "generate", 1, 64, "int8"),
  anchor: anchor("generate", "medium", "eager", 1, 64),
  limit: generateLimit("medium", 1, 64, "int8"),
});

export default bench;
