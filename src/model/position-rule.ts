/** Who computes the three-part positions. `trained` is what the released weights saw (transformers 4.49, vLLM). */
export type PositionRule = "trained" | "transformers-4.52" | "transformers-5.8" | "transformers-5.23";
