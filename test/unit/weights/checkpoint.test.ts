import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { openCheckpoint } from "../../../src/model/checkpoint.ts";
import { familyOf, readConfig } from "../../../src/model/families.ts";
import { expectedTensors } from "../../../src/model/parameters.ts";
import { saveCheckpoint } from "../../../src/model/save-checkpoint.ts";
import { elementsOf, type NamedTensor, writeSafetensors } from "../../../src/weights/write-safetensors.ts";
import { flatConfig, smallConfig } from "../model/small-config.ts";

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "checkpoint-"));
  folder = join(root, "model");
});
afterEach(() => rmSync(root, { recursive: true }));

const config = smallConfig();
const randomTensors = (): (NamedTensor & { readonly data: Float32Array })[] => {
  const random = seededRandom("checkpoint");
  return expectedTensors(config).map(({ name, shape }) => ({
    name,
    shape,
    data: Float32Array.from({ length: elementsOf(shape) }, () => random.normal()),
  }));
};

/** A folder with these tensors under other names. */
const store = (tensors: readonly NamedTensor[], rename: (name: string) => string = (name) => name): void => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, "config.json"), JSON.stringify(flatConfig()));
  writeSafetensors(
    join(folder, "model.safetensors"),
    tensors.map((tensor) => ({ ...tensor, name: rename(tensor.name) })),
    "F32",
  );
};

describe("configurations", () => {
  const flat = flatConfig();
  const {
    vision_config: vision,
    model_type,
    image_token_id,
    video_token_id,
    vision_start_token_id,
    vision_end_token_id,
    tie_word_embeddings,
    torch_dtype,
    rope_theta,
    rope_scaling,
    ...text
  } = flat;
  const outer = {
    model_type,
    image_token_id,
    video_token_id,
    vision_start_token_id,
    vision_end_token_id,
    tie_word_embeddings,
    vision_config: vision,
  };
  test("the three layouts mean the same", () => {
    const both = {
      ...flat,
      text_config: {
        ...text,
        model_type: "qwen2_5_vl_text",
        rope_theta,
        rope_scaling: { type: "default", rope_type: "default", mrope_section: [1, 1, 2] },
      },
    };
    const nested = {
      ...outer,
      dtype: torch_dtype,
      text_config: {
        ...text,
        model_type: "qwen2_5_vl_text",
        rope_parameters: { rope_type: "default", rope_theta, mrope_section: [1, 1, 2] },
      },
    };
    expect(readConfig(both, "both")).toEqual(config);
    expect(readConfig(nested, "nested")).toEqual(config);
    expect(readConfig(familyOf(config).writeConfig(config), "written")).toEqual(config);
  });
  const wrong: [string, Record<string, unknown>, RegExp][] = [
    [
      "another family",
      { model_type: "llama" },
      /another family: config.json; expected model_type "qwen2_5_vl".*; got "llama"/,
    ],
    [
      "a missing field",
      { vocab_size: undefined },
      /config.json, vocab_size; expected an integer >= 1; got nothing/,
    ],
    ["an ill-typed field", { hidden_size: "32" }, /hidden_size; expected an integer >= 1; got "32"/],
    [
      "heads that do not divide",
      { num_key_value_heads: 3 },
      /num_attention_heads; expected a multiple of num_key_value_heads 3/,
    ],
    [
      "sections of another head",
      { rope_scaling: { type: "mrope", mrope_section: [1, 1, 1] } },
      /mrope_section; expected parts that add up to 4/,
    ],
    ["two sections", { rope_scaling: { type: "mrope", mrope_section: [2, 2] } }, /three integers/],
    [
      "scaled positions",
      { rope_scaling: { type: "yarn", factor: 4, mrope_section: [1, 1, 2] } },
      /rotary positions of this kind.*"yarn"/,
    ],
    ["sliding windows", { use_sliding_window: true }, /sliding window attention/],
    ["another activation", { hidden_act: "gelu" }, /activation.*hidden_act.*"gelu"/],
    [
      "an id beyond the vocabulary",
      { image_token_id: 64 },
      /image_token_id; expected an id below vocab_size 64/,
    ],
    ["an unknown type", { torch_dtype: "int4" }, /float32 \| float16 \| bfloat16; got "int4"/],
    ["no vision", { vision_config: undefined }, /vision_config; expected an object/],
    [
      "a block too many",
      { vision_config: { ...(vision as object), fullatt_block_indexes: [2] } },
      /blocks below depth 2/,
    ],
    [
      "a merger of another width",
      { vision_config: { ...(vision as object), out_hidden_size: 31 } },
      /out_hidden_size; expected 32/,
    ],
    [
      "a window below a unit",
      { vision_config: { ...(vision as object), window_size: 20 } },
      /at least one merged patch, 28 pixels/,
    ],
    [
      "channels that disagree",
      { vision_config: { ...(vision as object), in_channels: 4 } },
      /in_chans; expected the same number as in_channels 4/,
    ],
  ];
  test.each(wrong)("%s", (_, change, message) => {
    expect(() => readConfig(flatConfig(change), "config.json")).toThrow(message);
  });
  test("no object at all", () => {
    for (const json of [null, [], 3]) expect(() => readConfig(json, "config.json")).toThrow(/a JSON object/);
  });
});

describe("checkpoints", () => {
  test.each([
    [5e9, 1],
    [20_000, 7],
  ])("come back bit by bit (%d bytes a file)", async (shardBytes, files) => {
    const tensors = randomTensors();
    saveCheckpoint(folder, config, tensors, { shardBytes });
    expect(readdirSync(folder).filter((name) => name.endsWith(".safetensors")).length).toBeGreaterThanOrEqual(
      files,
    );
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.config).toEqual(config);
    expect(checkpoint.names()).toEqual(tensors.map(({ name }) => name));
    for (const { name, data } of tensors) {
      const read = new Float32Array(data.length);
      await checkpoint.readInto(name, read);
      expect(read, name).toEqual(data);
    }
    expect(() => checkpoint.shape("lm_head.weight")).toThrow(/no such parameter.*lm_head.weight/);
    await checkpoint.close();
  });
  test("bfloat16 on disk is at most half a step off, and the configuration says so", async () => {
    const tensors = randomTensors();
    saveCheckpoint(folder, config, tensors, { dtype: "bfloat16" });
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.config.storage).toBe("bfloat16");
    const { name, data } = tensors[3]!;
    const read = new Float32Array(data.length);
    await checkpoint.readInto(name, read);
    for (const [i, value] of read.entries())
      expect(Math.abs(value - data[i]!)).toBeLessThanOrEqual(Math.abs(data[i]!) / 256);
    await checkpoint.close();
  });
  test("newer prefixes and a stored head of a tied model are understood", async () => {
    const tensors = randomTensors();
    const table = tensors.find(({ name }) => name === "model.embed_tokens.weight")!;
    store([...tensors, { ...table, name: "lm_head.weight" }], (name) =>
      name.replace(/^visual\./, "model.visual.").replace(/^model\.(?!visual)/, "model.language_model."),
    );
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.names()).toEqual(tensors.map(({ name }) => name));
    expect(checkpoint.warnings).toEqual([]);
    await checkpoint.close();
    store([...tensors, { ...tensors[0]!, name: `model.${tensors[0]!.name}` }]);
    await expect(openCheckpoint(folder)).rejects.toThrow(/one parameter is stored twice/);
  });
  test.each([
    ["both flags", {}],
    ["the outer flag only", { text_config: { ...flatConfig(), tie_word_embeddings: false } }],
    [
      "the inner flag only, as peft's merge writes it",
      { tie_word_embeddings: false, text_config: { ...flatConfig(), tie_word_embeddings: true } },
    ],
  ])("a different head of a model that %s tie is kept, and that is said", async (_, change) => {
    const tensors = randomTensors();
    const head = {
      name: "lm_head.weight",
      shape: [64, 32],
      data: Float32Array.from({ length: 64 * 32 }, (__, i) => i),
    };
    store([...tensors, head]);
    writeFileSync(join(folder, "config.json"), JSON.stringify(flatConfig(change)));
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.config.text.tieWordEmbeddings).toBe(false);
    expect(checkpoint.names()).toContain("lm_head.weight");
    const read = new Float32Array(64 * 32);
    await checkpoint.readInto("lm_head.weight", read);
    expect(read).toEqual(head.data);
    await checkpoint.readInto("model.embed_tokens.weight", read);
    expect(read).not.toEqual(head.data);
    expect(checkpoint.warnings.join()).toMatch(/different lm_head.weight is stored: both are kept/);
    await checkpoint.close();
  });
  test("a tied model of which only the head is stored reads it as its word table", async () => {
    store(randomTensors(), (name) => (name === "model.embed_tokens.weight" ? "lm_head.weight" : name));
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.config.text.tieWordEmbeddings).toBe(true);
    const read = new Float32Array(64 * 32);
    await checkpoint.readInto("model.embed_tokens.weight", read);
    expect(read.some((value) => value !== 0)).toBe(true);
    await checkpoint.close();
  });
  // What transformers 5.23 takes of each: `from_pretrained(...).generation_config.eos_token_id`.
  test.each([
    ["several in generation_config.json, one in config.json", { eos_token_id: [5, 6] }, {}, [5, 6]],
    ["generation_config.json without any", { bos_token_id: 1 }, {}, []],
    ["generation_config.json with null", { eos_token_id: null }, {}, []],
    ["config.json alone", undefined, {}, [2, 3]],
    ["config.json alone, one id", undefined, { eos_token_id: 7 }, [7]],
    ["both parts of config.json", undefined, { text_config: { ...flatConfig(), eos_token_id: 8 } }, [2, 3]],
    ["none", undefined, { eos_token_id: undefined }, []],
  ])("ends of an answer: %s", async (_, generation, change, expected) => {
    store(randomTensors());
    writeFileSync(join(folder, "config.json"), JSON.stringify(flatConfig(change)));
    if (generation !== undefined)
      writeFileSync(join(folder, "generation_config.json"), JSON.stringify(generation));
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.config.tokens.endOfText).toEqual(expected);
    expect(checkpoint.warnings.join()).toMatch(expected.length === 0 ? /names a token that ends/ : /^$/);
    await checkpoint.close();
  });
  test("missing, mis-shaped and unexpected tensors are named together", async () => {
    const tensors = randomTensors();
    const other = { name: "value_head.weight", shape: [1], data: new Float32Array(1) };
    const bent = { name: "model.norm.weight", shape: [31], data: new Float32Array(31) };
    store([
      ...tensors.filter(({ name }) => name !== "model.norm.weight" && name !== "visual.merger.ln_q.weight"),
      bent,
      other,
    ]);
    await expect(openCheckpoint(folder)).rejects.toThrow(
      /1 missing: visual.merger.ln_q.weight; 1 mis-shaped: model.norm.weight \[31\] instead of \[32\]; 1 unexpected: value_head.weight/,
    );
    store([...tensors, other]);
    await expect(openCheckpoint(folder)).rejects.toThrow(/unexpected: value_head/);
    const checkpoint = await openCheckpoint(folder, { unexpected: "ignore" });
    expect(checkpoint.unexpected).toEqual(["value_head.weight"]);
    await checkpoint.close();
  });
  test("a shard of an earlier save beside the index", async () => {
    const tensors = randomTensors();
    saveCheckpoint(folder, config, tensors, { shardBytes: 20_000 });
    const file = join(folder, "model.safetensors.index.json");
    const index = JSON.parse(readFileSync(file, "utf8")) as { weight_map: Record<string, string> };
    const norm = tensors.filter(({ name }) => name === "model.norm.weight");
    writeSafetensors(join(folder, "extra.safetensors"), norm, "F32");
    index.weight_map["model.norm.weight"] = "extra.safetensors";
    writeFileSync(file, JSON.stringify(index));
    await expect(openCheckpoint(folder)).rejects.toThrow(
      /one parameter is stored twice.*norm.weight in extra.safetensors and .*norm.weight in model-00008/,
    );
  });
  test("an index that leads astray", async () => {
    saveCheckpoint(folder, config, randomTensors(), { shardBytes: 20_000 });
    const file = join(folder, "model.safetensors.index.json");
    const index = JSON.parse(readFileSync(file, "utf8")) as { weight_map: Record<string, string> };
    const tamper = (shard: unknown): void =>
      writeFileSync(
        file,
        JSON.stringify({ weight_map: { ...index.weight_map, "model.norm.weight": shard } }),
      );
    for (const shard of ["../model.safetensors", "", "..", 3]) {
      tamper(shard);
      await expect(openCheckpoint(folder)).rejects.toThrow(/the name of a file in the same folder/);
    }
    tamper("model-00001-of-00009.safetensors");
    await expect(openCheckpoint(folder)).rejects.toThrow(
      /shards are missing.*got 8, without model-00001-of-00009/,
    );
    writeFileSync(file, "[]");
    await expect(openCheckpoint(folder)).rejects.toThrow(/expected a weight_map/);
    rmSync(file);
    writeFileSync(join(folder, "pytorch_model.bin"), "");
    await expect(openCheckpoint(folder)).rejects.toThrow(/no weights.*safe_serialization/);
  });
  test("saving is all or nothing, replaces, and takes the tokenizer's files along", () => {
    const tensors = randomTensors();
    const source = join(root, "source");
    mkdirSync(source);
    writeFileSync(join(source, "tokenizer.json"), "{}");
    writeFileSync(join(source, "secret.txt"), "");
    saveCheckpoint(folder, config, tensors, { tokenizerFrom: source });
    expect(readdirSync(folder).sort()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
    ]);
    const broken = tensors.map((tensor, i) =>
      i < 5
        ? tensor
        : {
            ...tensor,
            data: (): Float32Array => {
              throw new Error("out of data");
            },
          },
    );
    expect(() => saveCheckpoint(folder, config, broken)).toThrow(/out of data/);
    expect(existsSync(join(folder, "tokenizer.json"))).toBe(true);
    saveCheckpoint(folder, config, tensors);
    expect(existsSync(join(folder, "tokenizer.json"))).toBe(false);
    expect(readdirSync(root).sort()).toEqual(["model", "source"]);
    expect(() => saveCheckpoint(folder, config, tensors.slice(1))).toThrow(
      /a parameter is not saved.*visual.patch_embed/,
    );
    const stranger = { name: "x", shape: [1], data: new Float32Array(1) };
    expect(() => saveCheckpoint(folder, config, [...tensors, stranger])).toThrow(
      /not a parameter of this model.*got x/,
    );
    const bent = tensors.map((tensor, i) => (i === 0 ? { ...tensor, shape: [1, ...tensor.shape] } : tensor));
    expect(() => saveCheckpoint(folder, config, bent)).toThrow(
      /shape of visual.patch_embed.proj.weight.*expected \[16,3,2,14,14\]/,
    );
  });
});
