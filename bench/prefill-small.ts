import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { matrixProductLimit } from "./sides/limits.ts";
import { anchor, ours, prepare } from "./sides/qwen2_5_vl.ts";

const bench: BenchDefinition = defineBench({
  name: "prefill-small",
  unit: "ms",
  summary: "pixels of 4 clips to their first answer tokens, small shape",
  better: "less",
  needsPython: true,
  rounds: 9,
  prepare: prepare("small"),
  ours: ours("generate", "small", "prefill"),
  anchor: anchor("prefill", "small", "eager"),
  limit: matrixProductLimit("small", "forward"),
  error: "first tokens, relative to the largest id",
});

export default bench;
