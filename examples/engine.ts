// Opens a model with new weights and asks how probable it finds an answer about a clip.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchRules, openEngine, segmentsBatch, segmentTokensOf } from "videoperceiver/engine";
import { greyStep, tinyModel } from "./tiny-model.ts";

const words = ["what", "is", "it", "dark", "bright"];
const { folder, config, tokenizer } = await tinyModel(mkdtempSync(join(tmpdir(), "videoperceiver-")), words);
const { engine } = await openEngine({ threads: 2 }, { folder, trained: "none" });

const prompt = tokenizer.encode("what is it");
const clip = { rows: 2, columns: 2, secondsPerStep: 0.5, steps: [greyStep(200)] };
const texts = [{ tokens: [...prompt, ...tokenizer.encode("bright")], scoredFrom: prompt.length }];
const { batch } = segmentsBatch([{ clip, texts }], batchRules(config), {
  tokens: segmentTokensOf(tokenizer)!,
});
{
  await using pass = await engine.forward([batch]);
  const probability = Math.exp(pass.outputs[0]!.tokenLogprobs[0]!);
  console.log(`"bright" has probability ${probability.toFixed(3)} of ${tokenizer.size} tokens`);
}
await engine[Symbol.asyncDispose]();
