import type { TensorNames } from "../weights/tensor-names.ts";

/**
 * Tower under `visual.`, language model under `model.` (hub, transformers up to 4.51); `model.visual.` and
 * `model.language_model.` from 4.52 on.
 */
export const qwenTensorNames: TensorNames = {
  hubName: (stored) =>
    stored.replace(/^model\.visual\./, "visual.").replace(/^model\.language_model\./, "model."),
  namedFor: (naming, hub) =>
    naming === "transformers-4.49" || hub.startsWith("lm_head")
      ? hub
      : hub.replace(/^visual\./, "model.visual.").replace(/^model\.(?!visual\.)/, "model.language_model."),
  readName: (name) => {
    if (/^model\.(language_model|visual)\./.test(name))
      return { hub: qwenTensorNames.hubName(name), naming: "current" };
    return { hub: name, naming: /^(model\.|visual\.)/.test(name) ? "transformers-4.49" : undefined };
  },
  notLinear: ["visual.patch_embed.proj", "model.embed_tokens"],
};
