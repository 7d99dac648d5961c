import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { emptyStore } from "../../src/engine/onnx/open.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { readConfig } from "../../src/model/families.ts";
import { initialize } from "../../src/model/initialize.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { tokenizerFrom } from "../../src/text/tokenizer.ts";
import { wordLevelTokenizerJson } from "../../src/text/word-level-tokenizer.ts";
import { openVideoService } from "../../src/video/service.ts";
import type { NamedTensor } from "../../src/weights/write-safetensors.ts";
import { flatConfig } from "../unit/model/small-config.ts";
import { pluginFile, runCommand } from "./run-command.ts";

let folder: string;
let clip: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "family-"));
  clip = join(folder, "clip.mp4");
  const [width, height, count] = [64, 48, 12];
  const random = seededRandom("clip");
  const pixels = Uint8Array.from({ length: count * width * height * 3 }, () => random.integer(256));
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / 6),
  }));
  await using video = openVideoService({ workers: 1 });
  await video.write(clip, { width, height, frames: [{ pixels, width, height, frames }] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = wordLevelTokenizerJson("what happens ? red blue green flash one two .".split(" "), []);

/** A checkpoint of Qwen2-VL with norms that are not 1, and the same model as the added family stores it. */
const twoCheckpoints = (): { readonly base: string; readonly offset: string } => {
  const from = join(folder, "files");
  mkdirSync(from, { recursive: true });
  const limits = { min_pixels: 3136, max_pixels: 6272 };
  const pictures = { patch_size: 14, temporal_patch_size: 2, merge_size: 2, ...limits };
  const colours = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
  const contents = { ...files, "preprocessor_config.json": { ...pictures, ...colours } };
  for (const [name, content] of Object.entries(contents))
    writeFileSync(join(from, name), JSON.stringify(content));
  const tokenizer = tokenizerFrom(files["tokenizer.json"], files["tokenizer_config.json"], "world");
  const config: ModelConfig = readConfig(
    flatConfig({
      model_type: "qwen2_vl",
      vocab_size: tokenizer.size,
      image_token_id: tokenizer.idOf("<|image_pad|>"),
      video_token_id: tokenizer.idOf("<|video_pad|>"),
      vision_start_token_id: tokenizer.idOf("<|vision_start|>"),
      vision_end_token_id: tokenizer.idOf("<|vision_end|>"),
      eos_token_id: [tokenizer.idOf("<|im_end|>")],
      vision_config: { depth: 2, embed_dim: 16, hidden_size: 32, mlp_ratio: 2, num_heads: 2 },
    }),
    "base",
  );
  const store = emptyStore(config, "none");
  const random = seededRandom("norms");
  initialize(store.all(), seededRandom("weights"), 1);
  for (const { name, value } of store.all())
    if (name.endsWith("norm.weight")) for (let i = 0; i < value.length; i++) value[i]! += random.normal();
  const [base, offset] = [join(folder, "base"), join(folder, "offset")];
  saveCheckpoint(base, config, store.tensors(), { dtype: "float32", tokenizerFrom: from });
  const moved = [...store.tensors()].map(
    ({ name, shape, data }): NamedTensor => ({
      name,
      shape,
      data: name.endsWith("layernorm.weight") ? data.map((value) => value - 1) : data,
    }),
  );
  saveCheckpoint(offset, config, moved, { dtype: "float32", tokenizerFrom: from });
  const json = JSON.parse(readFileSync(join(base, "config.json"), "utf8")) as object;
  writeFileSync(join(offset, "config.json"), JSON.stringify({ ...json, model_type: "offset_vl" }));
  return { base, offset };
};

interface Told {
  readonly answer: string;
  readonly kind: string;
}
const ask = (model: string, ...args: readonly string[]): Told => {
  const ended = runCommand("ask", clip, "what happens ?", "--model", model, "--json", ...args);
  if (ended.status !== 0) throw new Error(ended.stderr);
  return JSON.parse(ended.stdout) as Told;
};

test("a model family is one folder outside the package: opened, sampled, whole and layer-wise", () => {
  const { base, offset } = twoCheckpoints();
  const plugin = ["--plugin", pluginFile("offset_vl")];
  expect(runCommand("ask", clip, "what happens ?", "--model", offset).stderr).toMatch(
    /^a checkpoint of another family: .*expected model_type .*"qwen2_vl".*got "offset_vl"/,
  );
  const rules = ["--max-new-tokens", "8"];
  const wanted = ask(base, ...rules);
  expect(wanted.answer).not.toBe("");
  for (const execution of ["whole", "layerwise"]) {
    const told = ask(offset, ...plugin, ...rules, "--execution", execution);
    expect(told.kind).toBe("Offset-VL");
    expect(told.answer).toBe(wanted.answer);
  }
  // Read as the family that it is not, the same numbers say something else.
  const json = JSON.parse(readFileSync(join(offset, "config.json"), "utf8")) as object;
  writeFileSync(join(offset, "config.json"), JSON.stringify({ ...json, model_type: "qwen2_vl" }));
  expect(ask(offset, ...rules).answer).not.toBe(wanted.answer);
});
