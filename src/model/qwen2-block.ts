/** Block of Qwen2's language model, which several families share. */
import { add, swiglu } from "../graph/ops/elementwise.ts";
import { rmsNorm } from "../graph/ops/normalize.ts";
import { rotary } from "../graph/ops/rotary.ts";
import type { Value } from "../graph/value.ts";
import { gatedMlpParameters, linearParameters, scaleParameter } from "../weights/parameter.ts";
import type { LanguageBlock } from "./family.ts";
import { blockName } from "./language-names.ts";
import { linearModule } from "./weights.ts";

/** @source Qwen2 technical report 2024; transformers, `Qwen2DecoderLayer` */
export const qwen2Block: LanguageBlock = {
  parameters: (layer, text) => {
    const block = blockName(layer);
    const { hiddenSize } = text;
    const keys = text.kvHeads * text.headDim;
    return [
      scaleParameter(`${block}input_layernorm`, hiddenSize),
      ...linearParameters(`${block}self_attn.q_proj`, hiddenSize, hiddenSize, true),
      ...linearParameters(`${block}self_attn.k_proj`, keys, hiddenSize, true),
      ...linearParameters(`${block}self_attn.v_proj`, keys, hiddenSize, true),
      ...linearParameters(`${block}self_attn.o_proj`, hiddenSize, hiddenSize, false),
      scaleParameter(`${block}post_attention_layernorm`, hiddenSize),
      ...gatedMlpParameters(`${block}mlp`, hiddenSize, text.intermediateSize, false),
    ];
  },
  projections: (x, layer, tables, text, weights) => {
    const block = blockName(layer);
    const normed = rmsNorm(x, weights.get(`${block}input_layernorm.weight`), text.rmsNormEps);
    const project = (name: string): Value => linearModule(normed, `${block}self_attn.${name}`, weights, true);
    const turn = (rows: Value): Value => rotary(rows, tables.cos, tables.sin);
    return { query: turn(project("q_proj")), key: turn(project("k_proj")), value: project("v_proj") };
  },
  finish: (x, mixed, layer, text, weights) => {
    const block = blockName(layer);
    const attended = add(x, linearModule(mixed, `${block}self_attn.o_proj`, weights, false));
    const inner = rmsNorm(attended, weights.get(`${block}post_attention_layernorm.weight`), text.rmsNormEps);
    const hidden = swiglu(
      linearModule(inner, `${block}mlp.gate_proj`, weights, false),
      linearModule(inner, `${block}mlp.up_proj`, weights, false),
    );
    return add(attended, linearModule(hidden, `${block}mlp.down_proj`, weights, false));
  },
};
