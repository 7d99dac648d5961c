// Declares a model family of one's own: Qwen2.5-VL whose language blocks store their norms as differences from 1.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchRules, openEngine, segmentsBatch, segmentTokensOf } from "videoperceiver/engine";
import {
  addScalar,
  defineModelFamily,
  type ModelFamily,
  modelFamilies,
  type Weights,
} from "videoperceiver/model";
import { z } from "videoperceiver/plugins";
import { greyStep, tinyModel } from "./tiny-model.ts";

const base: ModelFamily = (await modelFamilies.make("qwen2_5_vl")).value;
const shifted = (weights: Weights): Weights => ({
  ...weights,
  get: (name) => (name.endsWith("layernorm.weight") ? addScalar(weights.get(name), 1) : weights.get(name)),
});
const family: ModelFamily = {
  ...base,
  title: "Offset-VL",
  readConfig: (root) => ({ ...base.readConfig(root), family: "offset_vl" }),
  block: {
    parameters: base.block.parameters,
    projections: (x, layer, tables, text, weights) =>
      base.block.projections(x, layer, tables, text, shifted(weights)),
    finish: (x, mixed, layer, text, weights) => base.block.finish(x, mixed, layer, text, shifted(weights)),
  },
};
modelFamilies.add(
  "offset_vl",
  defineModelFamily({
    summary: "Qwen2.5-VL with norms as offsets",
    source: "ours",
    params: z.strictObject({}),
    create: () => family,
  }),
);

/** Probability of an answer by a model with new weights; both families draw the same ones. */
const probability = async (name: string): Promise<number> => {
  const place = mkdtempSync(join(tmpdir(), "videoperceiver-"));
  const { folder, config, tokenizer } = await tinyModel(place, ["what", "dark", "bright"], name);
  const { engine } = await openEngine({ threads: 2 }, { folder, trained: "none" });
  await using _ = engine;
  const prompt = tokenizer.encode("what");
  const texts = [{ tokens: [...prompt, ...tokenizer.encode("bright")], scoredFrom: prompt.length }];
  const clip = { rows: 2, columns: 2, secondsPerStep: 0.5, steps: [greyStep(200)] };
  const { batch } = segmentsBatch([{ clip, texts }], batchRules(config), {
    tokens: segmentTokensOf(tokenizer)!,
  });
  await using pass = await engine.forward([batch]);
  return Math.exp(pass.outputs[0]!.tokenLogprobs[0]!);
};
const [ours, theirs] = [await probability("offset_vl"), await probability("qwen2_5_vl")];
console.log(`${modelFamilies.names().join(" ")}: ${ours.toFixed(3)} beside ${theirs.toFixed(3)}`);
