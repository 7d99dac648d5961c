import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { matrixProductLimit } from "./sides/limits.ts";
import { anchor, ours, prepare } from "./sides/qwen2_5_vl.ts";

const bench: BenchDefinition = defineBench({
  name: "train-step-small",
  unit: "ms",
  summary: "forward, backward, clipping and AdamW of the small shape",
  better: "less",
  needsPython: true,
  rounds: 7,
  prepare: prepare("small"),
  ours: ours("train-step", "small", "all"),
  anchor: anchor("train", "small", "eager"),
  otherAnchors: (context) => [anchor("train", "small", "sdpa")(context)],
  limit: matrixProductLimit("small", "step"),
  error: "loss and norms of all gradients of the first step, relative to the largest",
});

export default bench;
