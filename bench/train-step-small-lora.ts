import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { matrixProductLimit } from "./sides/limits.ts";
import { anchor, ours, prepare } from "./sides/qwen2_5_vl.ts";

const bench: BenchDefinition = defineBench({
  name: "train-step-small-lora",
  unit: "ms",
  summary: "the same with LoRA of rank 8 on the language model's attention projections; the anchor is peft",
  better: "less",
  needsPython: true,
  rounds: 7,
  prepare: prepare("small"),
  ours: ours("train-step", "small", "adapter"),
  anchor: anchor("train-lora", "small", "eager"),
  otherAnchors: (context) => [anchor("train-lora", "small", "sdpa")(context)],
  limit: matrixProductLimit("small", "step-lora"),
  error: "loss and norms of all gradients of the first step, relative to the largest",
});

export default bench;
