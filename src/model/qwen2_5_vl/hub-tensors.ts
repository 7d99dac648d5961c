import type { Qwen25VLConfig } from "./config.ts";

/** Name (the hub's, which is also ours) and shape of a parameter; matrices are [out, in]. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
}

const linear = (name: string, out: number, input: number, bias: boolean): Parameter[] => [
  { name: `${name}.weight`, shape: [out, input] },
  ...(bias ? [{ name: `${name}.bias`, shape: [out] }] : []),
];

const gatedMlp = (name: string, hidden: number, inner: number, bias: boolean): Parameter[] => [
  ...linear(`${name}.gate_proj`, inner, hidden, bias),
  ...linear(`${name}.up_proj`, inner, hidden, bias),
  ...linear(`${name}.down_proj`, hidden, inner, bias),
];

/** Every parameter of a model in the order of the data flow. Tied embeddings have no `lm_head.weight`. */
export const expectedTensors = (config: Qwen25VLConfig): Parameter[] => {
  const { text, vision } = config;
  const scale = (name: string, size: number): Parameter => ({ name: `${name}.weight`, shape: [size] });
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const parameters: Parameter[] = [
    {
      name: "visual.patch_embed.proj.weight",
      shape: [
        vision.hiddenSize,
        vision.inChannels,
        vision.temporalPatchSize,
        vision.patchSize,
        vision.patchSize,
      ],
    },
  ];
  for (let index = 0; index < vision.depth; index++) {
    const block = `visual.blocks.${index}`;
    parameters.push(
      scale(`${block}.norm1`, vision.hiddenSize),
      ...linear(`${block}.attn.qkv`, 3 * vision.hiddenSize, vision.hiddenSize, true),
      ...linear(`${block}.attn.proj`, vision.hiddenSize, vision.hiddenSize, true),
      scale(`${block}.norm2`, vision.hiddenSize),
      ...gatedMlp(`${block}.mlp`, vision.hiddenSize, vision.intermediateSize, true),
    );
  }
  parameters.push(
    scale("visual.merger.ln_q", vision.hiddenSize),
    ...linear("visual.merger.mlp.0", merged, merged, true),
    ...linear("visual.merger.mlp.2", vision.outHiddenSize, merged, true),
    { name: "model.embed_tokens.weight", shape: [text.vocabSize, text.hiddenSize] },
  );
  const keys = text.kvHeads * text.headDim;
  for (let index = 0; index < text.layers; index++) {
    const layer = `model.layers.${index}`;
    parameters.push(
      scale(`${layer}.input_layernorm`, text.hiddenSize),
      ...linear(`${layer}.self_attn.q_proj`, text.hiddenSize, text.hiddenSize, true),
      ...linear(`${layer}.self_attn.k_proj`, keys, text.hiddenSize, true),
      ...linear(`${layer}.self_attn.v_proj`, keys, text.hiddenSize, true),
      ...linear(`${layer}.self_attn.o_proj`, text.hiddenSize, text.hiddenSize, false),
      scale(`${layer}.post_attention_layernorm`, text.hiddenSize),
      ...gatedMlp(`${layer}.mlp`, text.hiddenSize, text.intermediateSize, false),
    );
  }
  parameters.push(scale("model.norm", text.hiddenSize));
  if (!text.tieWordEmbeddings)
    parameters.push({ name: "lm_head.weight", shape: [text.vocabSize, text.hiddenSize] });
  return parameters;
};

/**
 * The hub's name of a tensor that newer transformers store as `model.visual.*` or `model.language_model.*`; other
 * names stay.
 */
export const hubName = (stored: string): string =>
  stored.replace(/^model\.visual\./, "visual.").replace(/^model\.language_model\./, "model.");
