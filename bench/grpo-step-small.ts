import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { prepareGrpo } from "./sides/grpo-work.ts";
import { anchorProgram, ours, prepare } from "./sides/qwen2_5_vl.ts";

const bench: BenchDefinition = defineBench({
  name: "grpo-step-small",
  unit: "ms",
  summary:
    "step of Comparative GRPO, small shape: 2 prompts, 8 completions of 32 tokens on clip and twin each, reference, update",
  better: "less",
  needsPython: true,
  rounds: 5,
  prepare: async (context) => {
    await prepare("small")(context);
    await prepareGrpo(context.cache);
  },
  ours: ours("grpo-step", "small"),
  anchor: anchorProgram("grpo_step.py", "small", "eager"),
  error: "losses of 20 updates on given completions, relative to the largest",
});

export default bench;
