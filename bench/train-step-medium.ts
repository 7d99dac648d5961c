import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { matrixProductLimit } from "./sides/limits.ts";
import { anchor, ours, prepare } from "./sides/qwen2_5_vl.ts";

const bench: BenchDefinition = defineBench({
  name: "train-step-medium",
  unit: "ms",
  summary: "forward, backward, clipping and AdamW of the medium shape",
  better: "less",
  needsPython: true,
  rounds: 3,
  prepare: prepare("medium"),
  ours: ours("train-step", "medium", "all"),
  anchor: anchor("train", "medium", "eager"),
  otherAnchors: (context) => [anchor("train", "medium", "sdpa")(context)],
  limit: matrixProductLimit("medium", "step"),
  error: "loss and norms of all gradients of the first step, relative to the largest",
});

export default bench;
