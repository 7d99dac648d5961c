import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { anchor, ours, prepare } from "./sides/qwen2_5_vl.ts";
import { contrastWork } from "./sides/shapes.ts";

const { block, dropout, keywords } = contrastWork;

// No `error`: the sides draw other dropout masks, and ours shares what the anchor computes several times.
const bench: BenchDefinition = defineBench({
  name: "sft-contrast-step-small",
  unit: "ms",
  summary:
    "training step with three InfoNCE losses at a block, small shape; the anchor runs view, twin and keywords as passes of their own",
  better: "less",
  needsPython: true,
  rounds: 5,
  prepare: prepare("small"),
  ours: ours("sft-contrast-step", "small"),
  anchor: anchor("train-contrast", "small", "eager", block, dropout, keywords),
  otherAnchors: (context) => [anchor("train-contrast", "small", "sdpa", block, dropout, keywords)(context)],
});

export default bench;
