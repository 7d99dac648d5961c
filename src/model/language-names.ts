/** Names of the language model's parameters, in every family: the hub's. */

/** The word table. */
export const tableName = "model.embed_tokens.weight";

/** The norm in front of the head. */
export const lastNormName = "model.norm.weight";

/** The head's module. */
export const headModule = "lm_head";

/** What the names of a block's parameters begin with; 0-based. */
export const blockName = (layer: number): string => `model.layers.${layer}.`;
