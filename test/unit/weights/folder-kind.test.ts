import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adaptedModel } from "../../../src/model/adapted-model.ts";
import { openCheckpoint } from "../../../src/model/checkpoint.ts";
import { expectedTensors } from "../../../src/model/parameters.ts";
import { readAdapter } from "../../../src/weights/adapter.ts";
import { elementsOf, writeSafetensors } from "../../../src/weights/write-safetensors.ts";
import { flatConfig, smallConfig } from "../model/small-config.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kinds-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: unknown): void => {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
};
const asModel = (): Promise<unknown> => openCheckpoint(folder);
const asAdapter = (): Promise<unknown> => readAdapter(folder, adaptedModel(smallConfig()));

describe("given as a model", () => {
  test("a folder above it, beside a link that leads to itself", async () => {
    symlinkSync("circle", join(folder, "circle"));
    write("model/config.json", {});
    await expect(asModel()).rejects.toThrow(/not a model's folder.*below it lies \S+model: give that/);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      "an adapter",
      { "adapter_config.json": { base_model_name_or_path: "Qwen/Qwen2.5-VL-3B-Instruct" } },
      /an adapter, not a model.*give Qwen.Qwen2.5-VL-3B-Instruct as the model and this folder as its adapter/,
    ],
    [
      "an adapter of nobody knows what",
      { "adapter_config.json": {} },
      /give the model that it was trained on/,
    ],
    ["GGUF", { "qwen-q4_k_m.gguf": "" }, /GGUF format.*got qwen-q4_k_m.gguf.*converted from/],
    [
      "the hub's cache",
      { "models--Qwen--Qwen2-VL-2B/refs/main": "abc", "models--a--b/refs/main": "abc", "version.txt": "1" },
      /hub's cache, not one model.*expected a model by its name; got Qwen.Qwen2-VL-2B, a.b/,
    ],
    [
      "a model's folder in the cache",
      { "refs/main": "abc", "snapshots/abc/config.json": {}, "blobs/x": "" },
      /its files lie deeper.*expected .*snapshots.abc/,
    ],
    ["GGUF in capitals", { "Q.GGUF": "" }, /GGUF format/],
    [
      "the hub's home",
      { "hub/models--a--b/refs/main": "abc", token: "x" },
      /hub's cache, not one model.*got a.b/,
    ],
    ["DeepSpeed", { "global_step9/x.pt": "", latest: "global_step9" }, /DeepSpeed.*zero_to_fp32\.py/],
    ["FSDP", { "pytorch_model_fsdp_0/__0_0.distcp": "" }, /FSDP.*accelerate merge-weights/],
    ["distributed PyTorch", { "__0_0.distcp": "", ".metadata": "" }, /FSDP/],
    ["Megatron", { "latest_checkpointed_iteration.txt": "5" }, /Megatron/],
    ["ONNX", { "onnx/model.onnx": "" }, /in ONNX/],
    ["diffusers", { "model_index.json": {} }, /diffusers/],
    ["bare weights", { "weights.pth": "" }, /PyTorch without a configuration.*save_pretrained/],
    ["a model deeper", { "Qwen/it/config.json": {} }, /below it lies .*Qwen.it: give that/],
    ["something else", { "notes.txt": "" }, /not a model's folder.*expected config.json; got notes.txt/],
    ["nothing", {}, /not a model's folder.*got nothing/],
  ])("%s", async (_, files, message) => {
    for (const [name, content] of Object.entries(files)) write(name, content);
    await expect(asModel()).rejects.toThrow(message);
  });
});

describe("given as an adapter", () => {
  test("a whole model, the cache, something else", async () => {
    await expect(asAdapter()).rejects.toThrow(/not an adapter's folder.*got nothing/);
    write("models--a--b/refs/main", "abc");
    await expect(asAdapter()).rejects.toThrow(/hub's cache/);
    write("config.json", flatConfig());
    await expect(asAdapter()).rejects.toThrow(/a model, not an adapter.*without an adapter/);
  });
});

test("weights of another kind beside a configuration", async () => {
  write("config.json", flatConfig());
  await expect(asModel()).rejects.toThrow(/no weights: .*model\.safetensors\.index\.json$/);
  write("it.Q4_K_M.gguf", "GGUF");
  await expect(asModel()).rejects.toThrow(/no weights.*got it\.Q4_K_M\.gguf: .*GGUF/);
});

test("what a version control or a server left in a file's place", async () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"4d".repeat(32)}\nsize 99\n`;
  write("config.json", flatConfig());
  write("model.safetensors", pointer);
  await expect(asModel()).rejects.toThrow(/not a safetensors file.*pointer of Git LFS.*git lfs pull/);
  write("model.safetensors", "<!DOCTYPE html><html><body>Sign in</body></html>");
  await expect(asModel()).rejects.toThrow(/not a safetensors file.*a web page.*fetch it again/);
  write("config.json", pointer);
  await expect(asModel()).rejects.toThrow(/config\.json.*pointer of Git LFS.*git lfs pull/);
  write("config.json", "");
  await expect(asModel()).rejects.toThrow(/not valid JSON.*got nothing/);
});

describe("quantized weights are named", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["MLX", { quantization: { group_size: 64, bits: 4 } }, /quantized with MLX \(4 bits\)/],
    [
      "ModelOpt",
      { quantization_config: { quant_method: "modelopt", quant_algo: "NVFP4" } },
      /quantized with ModelOpt \(NVFP4\)/,
    ],
    [
      "AutoRound",
      { quantization_config: { quant_method: "auto-round", bits: 4 } },
      /quantized with AutoRound/,
    ],
  ])("%s", async (_, fields, message) => {
    write("config.json", flatConfig(fields));
    await expect(asModel()).rejects.toThrow(message);
  });
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["AWQ", { quant_method: "awq", bits: 4 }, /quantized with AWQ.*unquantized checkpoint/],
    ["GPTQ", { quant_method: "gptq", bits: 4 }, /quantized with GPTQ/],
    ["bitsandbytes, 4 bits", { quant_method: "bitsandbytes", load_in_4bit: true }, /bitsandbytes \(4 bits\)/],
    ["bitsandbytes, 8 bits", { load_in_8bit: true }, /bitsandbytes \(int8\)/],
    ["FP8", { quant_method: "fp8" }, /quantized with FP8/],
    [
      "compressed int8",
      { quant_method: "compressed-tensors", config_groups: { g: { weights: { num_bits: 8, type: "int" } } } },
      /compressed-tensors \(int8\)/,
    ],
    [
      "compressed FP8",
      {
        quant_method: "compressed-tensors",
        config_groups: { g: { weights: { num_bits: 8, type: "float" } } },
      },
      /compressed-tensors \(FP8\)/,
    ],
    ["another", { quant_method: "vptq" }, /quantized with vptq/],
    ["none that is named", {}, /a method that it does not name/],
  ])("%s", async (_, quantization_config, message) => {
    write("config.json", flatConfig({ quantization_config }));
    await expect(asModel()).rejects.toThrow(message);
    write("config.json", flatConfig({ text_config: { ...flatConfig(), quantization_config } }));
    await expect(asModel()).rejects.toThrow(message);
  });
  test.each([
    ["model.layers.0.mlp.up_proj.qweight", /GPTQ or AWQ.*up_proj.qweight/],
    ["model.layers.0.mlp.up_proj.SCB", /bitsandbytes \(int8\)/],
    ["model.layers.0.mlp.up_proj.weight_scale", /FP8 or int8/],
  ])("by its tensors alone: %s", async (name, message) => {
    write("config.json", flatConfig());
    writeSafetensors(
      join(folder, "model.safetensors"),
      [{ name, shape: [1], data: new Float32Array(1) }],
      "F32",
    );
    await expect(asModel()).rejects.toThrow(message);
  });
});

const store = (shapeOf: (name: string, shape: readonly number[]) => readonly number[]): void => {
  write("config.json", flatConfig());
  const tensors = expectedTensors(smallConfig()).map(({ name, shape: wanted }) => {
    const shape = shapeOf(name, wanted);
    return { name, shape, data: new Float32Array(elementsOf(shape)) };
  });
  writeSafetensors(join(folder, "model.safetensors"), tensors, "F32");
};

test("empty tensors of a save under ZeRO-3", async () => {
  store((name, shape) => (name.startsWith("model.layers") ? [0] : shape));
  await expect(asModel()).rejects.toThrow(/empty tensors: .*model.layers.0.*got \[0\]; .*ZeRO-3/);
});

test.each([
  ["model.layers.0.mlp.up_proj.lora_A.default.weight", /an adapter that was not merged.*merge_and_unload/],
  ["module.lm_head.weight", /inside of a wrapper/],
])("names that tell how the weights came about: %s", async (name, message) => {
  write("config.json", flatConfig());
  const data = { shape: [1], data: new Float32Array(1) };
  writeSafetensors(join(folder, "model.safetensors"), [{ name, ...data }], "F32");
  await expect(asModel()).rejects.toThrow(message);
});

test("an end id that the vocabulary has not is said", async () => {
  store((_, shape) => shape);
  write("generation_config.json", { eos_token_id: [1, 999] });
  const partly = await openCheckpoint(folder);
  expect(partly.warnings).toEqual(["eos_token_id 999 is no token of the 64 that the model has"]);
  await partly.close();
  write("generation_config.json", { eos_token_id: 999 });
  const never = await openCheckpoint(folder);
  expect(never.warnings.join()).toMatch(/999 is no token.*every answer has as many tokens as are allowed/);
  await never.close();
});

test("a resized vocabulary says which number to write", async () => {
  store((name, shape) => (name === "model.embed_tokens.weight" ? [70, 32] : shape));
  await expect(asModel()).rejects.toThrow(
    /model.embed_tokens.weight \[70,32\] instead of \[64,32\]; the vocabulary was resized: set vocab_size to 70/,
  );
  store((name, shape) => (name === "model.embed_tokens.weight" ? [70, 31] : shape));
  await expect(asModel()).rejects.toThrow(/\[70,31\] instead of \[64,32\]$/);
});
