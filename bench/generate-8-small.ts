import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { generateLimit } from "./sides/limits.ts";
import { anchor, ours, prepare } from "./sides/qwen2_5_vl.ts";

const bench: BenchDefinition = defineBench({
  name: "generate-8-small",
  unit: "tokens/s",
  summary: "8 completions of 64 tokens about one clip, prefill included, small shape",
  better: "more",
  needsPython: true,
  rounds: 5,
  prepare: prepare("small"),
  ours: ours("generate", "small", "generate", 8, 64),
  anchor: anchor("generate", "small", "eager", 8, 64),
  limit: generateLimit("small", 8, 64),
  error: "tokens, relative to the largest id",
});

export default bench;
