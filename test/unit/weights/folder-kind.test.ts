import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

describe("quantized weights are named", () => {
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

test("a resized vocabulary says which number to write", async () => {
  store((name, shape) => (name === "model.embed_tokens.weight" ? [70, 32] : shape));
  await expect(asModel()).rejects.toThrow(
    /model.embed_tokens.weight \[70,32\] instead of \[64,32\]; the vocabulary was resized: set vocab_size to 70/,
  );
  store((name, shape) => (name === "model.embed_tokens.weight" ? [70, 31] : shape));
  await expect(asModel()).rejects.toThrow(/\[70,31\] instead of \[64,32\]$/);
});
