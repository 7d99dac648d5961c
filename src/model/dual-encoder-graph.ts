/**
 * A frame-text encoder small enough to be trained in seconds: patches of a frame beside patches of its surroundings,
 * words as vectors, cosines between them.
 *
 * Legend: F frames, P patches of a frame, D width, C texts, V words, B clips, T frames of a clip.
 */

import { maxKeep, reshape } from "../graph/ops/broadcast.ts";
import { add, scale, silu, sub } from "../graph/ops/elementwise.ts";
import { input } from "../graph/ops/inputs.ts";
import { transpose } from "../graph/ops/layout.ts";
import { linear, matmul } from "../graph/ops/matmul.ts";
import { unitRows } from "../graph/ops/normalize.ts";
import { logSumExp, mean } from "../graph/ops/reduce.ts";
import type { Value } from "../graph/value.ts";
import type { DualEncoderConfig } from "./dual-encoder-config.ts";

/** Name and shape of every parameter. */
export const dualEncoderParameters = (config: DualEncoderConfig): { name: string; shape: number[] }[] => {
  const { width } = config;
  return [
    { name: "image.patch.weight", shape: [width, 2 * 3 * config.patch ** 2] },
    { name: "image.patch.bias", shape: [width] },
    { name: "image.mix.weight", shape: [width, width] },
    { name: "image.mix.bias", shape: [width] },
    { name: "text.words.weight", shape: [config.words.length, width] },
  ];
};

/** Square patches that a frame is cut into. */
export const patchesOfFrame = (config: DualEncoderConfig): number => (config.pixels / config.patch) ** 2;

/**
 * Cosine of every patch with every text: [F P, C]. Inputs `pixels` [F P, 6 patch^2] and `bags` [C, V], a row a text
 * with the share of each word.
 */
export const patchCosines = (
  frames: number,
  texts: number,
  config: DualEncoderConfig,
  get: (name: string) => Value,
): Value => {
  const pixels = input("pixels", [frames * patchesOfFrame(config), 2 * 3 * config.patch ** 2]);
  const bags = input("bags", [texts, config.words.length]);
  const seen = silu(add(linear(pixels, get("image.patch.weight")), get("image.patch.bias")));
  const image = add(linear(seen, get("image.mix.weight")), get("image.mix.bias"));
  const text = matmul(bags, get("text.words.weight"));
  return matmul(unitRows(image), unitRows(text), { transposeB: true });
};

/** Score of every frame for every text, the cosine of its best patch: [F, C]. */
export const frameScores = (cosines: Value, frames: number): Value => {
  const [rows, texts] = cosines.shape as [number, number];
  return reshape(maxKeep(reshape(cosines, [frames, rows / frames, texts]), [1]), [frames, texts]);
};

/**
 * Contrast of B clips with their B texts. A clip matches a text as well as its best patches do:
 * m_bc = log sum_{t,p} exp(cos / temperature);  loss = mean_b [lse_c m_bc - m_bb] + mean_b [lse_c m_cb - m_bb].
 *
 * Input `textMask` [B, B] hides texts that are equal to a clip's own. In nats.
 *
 * @source InfoNCE (van den Oord et al. 2018) over a maximum of instances, as in multiple-instance learning; ours
 */
export const clipTextLoss = (cosines: Value, clips: number, temperature: number): Value => {
  const perClip = reshape(cosines, [clips, cosines.shape[0]! / clips, clips]);
  const matches = logSumExp(transpose(scale(perClip, 1 / temperature), [0, 2, 1]));
  const masked = add(matches, input("textMask", [clips, clips]));
  const flat = reshape(matches, [clips * clips, 1]);
  const own = reshape(matmul(input("own", [clips, clips * clips]), flat), [clips]);
  return add(mean(sub(logSumExp(masked), own)), mean(sub(logSumExp(transpose(masked, [1, 0])), own)));
};
