import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { adaptedModel } from "../../../src/model/adapted-model.ts";
import { qwenTensorNames } from "../../../src/model/qwen-tensor-names.ts";
import { type LoraModule, type ReplacedParameter, readAdapter } from "../../../src/weights/adapter.ts";
import { linearModules, patternValue, targetsFor, targetTest } from "../../../src/weights/adapter-names.ts";
import { writeAdapter } from "../../../src/weights/write-adapter.ts";
import { writeSafetensors } from "../../../src/weights/write-safetensors.ts";
import { smallConfig } from "../model/small-config.ts";

const folder = mkdtempSync(join(tmpdir(), "adapter-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = adaptedModel(smallConfig());
const linear = linearModules(model);
const { namedFor, readName } = qwenTensorNames;
const random = seededRandom("adapter");

const moduleOf = (name: string, rank: number, alpha: number, rsLora = false): LoraModule => {
  const { inputs, outputs } = linear.get(name)!;
  const fill = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  return {
    name,
    rank,
    alpha,
    scale: alpha / (rsLora ? Math.sqrt(rank) : rank),
    a_RI: fill(rank * inputs),
    b_OR: fill(outputs * rank),
    inputs,
    outputs,
  };
};
const plain = { replaced: [], rsLora: false, dropout: 0, base: "some/model" };

test("names go into each generation and back", () => {
  for (const hub of [...linear.keys(), "lm_head", "model.embed_tokens"])
    for (const naming of ["current", "transformers-4.49"] as const) {
      const back = readName(namedFor(naming, hub));
      expect(back.hub).toBe(hub);
      expect(back.naming ?? naming).toBe(naming);
    }
  expect(namedFor("current", "visual.blocks.0.attn.qkv")).toBe("model.visual.blocks.0.attn.qkv");
  expect(namedFor("current", "model.layers.0.mlp.up_proj")).toBe("model.language_model.layers.0.mlp.up_proj");
});

test("any choice of modules, ranks and scales comes back, under both generations of names", async () => {
  const choice = fc.uniqueArray(fc.constantFrom(...linear.keys()), { minLength: 1 });
  const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 32 })), {
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(
      choice,
      sizes,
      fc.boolean(),
      fc.constantFrom("current" as const, "transformers-4.49" as const),
      async (names, kinds, rsLora, naming) => {
        const modules = names.map((name, i) => moduleOf(name, ...kinds[i % kinds.length]!, rsLora));
        writeAdapter(folder, { ...plain, rsLora, modules }, model, { naming });
        const back = await readAdapter(folder, model);
        expect(back.matched).toBe(2 * names.length);
        expect(back.naming).toBe(naming);
        const order = [...linear.keys()];
        expect(back.modules).toEqual(
          modules.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test("a saved module is not selected too, and one with a side path keeps its own weight", async () => {
  const whole = (name: string, shape: readonly number[]): ReplacedParameter => ({
    name: `${name}.weight`,
    shape,
    data: new Float32Array(shape[0]! * shape[1]!).fill(0.5),
  });
  const downs = [...linear.keys()].filter((name) => /^model.*down_proj$/.test(name));
  const up = "model.layers.0.mlp.up_proj";
  const { inputs, outputs } = linear.get(downs[0]!)!;
  const modules = [moduleOf(downs[1]!, 2, 4), moduleOf(up, 1, 1)];
  const shape = linear.get(up)!;
  const replaced = [whole(downs[0]!, [outputs, inputs]), whole(up, [shape.outputs, shape.inputs])];
  writeAdapter(folder, { ...plain, replaced, modules }, model);
  const file = join(folder, "adapter_config.json");
  const json = JSON.parse(readFileSync(file, "utf8"));
  expect(json.modules_to_save).toEqual([namedFor("current", downs[0]!)]);
  writeFileSync(
    file,
    JSON.stringify({ ...json, target_modules: "^(?!.*visual).*(down_proj|0.mlp.up_proj)" }),
  );
  const back = await readAdapter(folder, model);
  expect(back.replaced).toEqual(replaced);
  expect(back.modules.map(({ name }) => name)).toEqual([up, downs[1]!]);
});

test("renamed tensors may keep the target_modules of the version that trained them", async () => {
  writeAdapter(folder, { ...plain, modules: [moduleOf("model.layers.0.mlp.up_proj", 1, 1)] }, model, {
    naming: "transformers-4.49",
  });
  const file = join(folder, "adapter_config.json");
  const json = JSON.parse(readFileSync(file, "utf8"));
  const targets = "model\\.language_model\\.layers\\.0\\.mlp\\.up_proj";
  writeFileSync(file, JSON.stringify({ ...json, target_modules: targets }));
  expect((await readAdapter(folder, model)).matched).toBe(2);
});

test("layers_to_transform counts for ends of names only, and not when it is empty", async () => {
  const [whole, end] = ["model.layers.1.self_attn.q_proj", "model.layers.0.self_attn.k_proj"];
  writeAdapter(folder, { ...plain, modules: [moduleOf(whole!, 1, 1), moduleOf(end!, 1, 1)] }, model);
  const file = join(folder, "adapter_config.json");
  const json = JSON.parse(readFileSync(file, "utf8"));
  const read = async (layers: number[]): Promise<string[]> => {
    const targets = [namedFor("current", whole!), "k_proj"];
    writeFileSync(file, JSON.stringify({ ...json, target_modules: targets, layers_to_transform: layers }));
    return (await readAdapter(folder, model)).modules.map(({ name }) => name);
  };
  expect((await read([0])).sort()).toEqual([end, whole]);
  await expect(read([1])).rejects.toThrow(/do not agree/);
  await expect(read([])).rejects.toThrow(/selected but not stored: model.layers.1.self_attn.k_proj/);
});

test("targets are as short as they can be and select exactly the chosen", () => {
  const all = [...linear.keys()];
  const chosen = (pattern: RegExp): Set<string> => new Set(all.filter((name) => pattern.test(name)));
  expect(targetsFor(chosen(/[qv]_proj$/), model, "current")).toEqual(["q_proj", "v_proj"]);
  expect(targetsFor(chosen(/^model.*down_proj$/), model, "current")).toBe("^(?!.*visual).*\\.(down_proj)$");
  // peft would also wrap visual.patch_embed.proj, a convolution, if the last name alone were given.
  const projections = targetsFor(chosen(/attn\.proj$/), model, "current");
  expect(targetTest(projections, "x")("model.visual.patch_embed.proj")).toBe(false);
  expect(targetTest(projections, "x")("model.visual.blocks.1.attn.proj")).toBe(true);
  const one = targetsFor(new Set(["visual.blocks.1.mlp.up_proj"]), model, "current");
  expect(all.filter((name) => targetTest(one, "x")(namedFor("current", name)))).toEqual([
    "visual.blocks.1.mlp.up_proj",
  ]);
});

test("targets and patterns mean what they mean in peft", () => {
  // check_target_module_exists and get_pattern_key of peft 0.21.2, tried by hand
  expect(targetTest(["proj"], "x")("a.q_proj")).toBe(false);
  expect(targetTest(["mlp.up_proj"], "x")("a.mlp.up_proj")).toBe(true);
  expect(targetTest("a|b", "x")("ab")).toBe(false);
  expect(targetTest("all-linear", "x")("lm_head")).toBe(false);
  expect(() => targetTest("(", "here")).toThrow(/regular expression of an adapter: here; got \(/);
  expect(patternValue(new Map([["q_proj", 8]]), "a.q_proj", 4, "x")).toBe(8);
  expect(patternValue(new Map([["_proj", 8]]), "a.q_proj", 4, "x")).toBe(4);
});

describe("an adapter that does not fit", () => {
  const names = ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"];
  const base = "base_model.model.model.language_model.layers";
  const write = (change: Record<string, unknown> = {}): void => {
    const file = join(folder, "adapter_config.json");
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, "utf8")) as object), ...change }));
  };
  beforeEach(() =>
    writeAdapter(folder, { ...plain, modules: names.map((name) => moduleOf(name, 2, 4)) }, model),
  );
  const refused: [string, Record<string, unknown>, RegExp][] = [
    ["another method", { peft_type: "IA3" }, /adapter of another method.*expected LORA; got IA3/],
    [
      "DoRA",
      { use_dora: true },
      /option of an adapter: .*use_dora; expected nothing or false; got true; merge/,
    ],
    ["biases", { bias: "all" }, /bias; expected nothing or "none"; got "all"/],
    [
      "a start that changed the model's own weights",
      { init_lora_weights: "pissa_niter_4" },
      /got "pissa_niter_4"/,
    ],
    ["no rank", { r: undefined }, /adapter configuration.*r: /],
    [
      "a rank that the tensors do not have",
      { r: 3 },
      /adapter of another model.*expected \[3,32\]; got \[2,32\]/,
    ],
    [
      "more modules than tensors",
      { target_modules: ["q_proj", "v_proj"] },
      /selected but not stored: model.layers.0.self_attn.v_proj/,
    ],
    [
      "fewer modules than tensors",
      { target_modules: ".*layers\\.0.*q_proj" },
      /stored but not selected: model.layers.1/,
    ],
    ["a layer left out", { layers_to_transform: [0] }, /stored but not selected: model.layers.1/],
    ["excluded", { exclude_modules: ["q_proj"] }, /stored but not selected/],
  ];
  test.each(refused)("%s", async (_, change, message) => {
    write(change);
    await expect(readAdapter(folder, model)).rejects.toThrow(message);
  });
  test.each([
    ["the head whole", "lm_head.weight", "lm_head.weight"],
    ["the word table whole", "model.language_model.embed_tokens.weight", "model.embed_tokens.weight"],
  ])("%s of a model that ties both: the adapter parts them", async (_, stored, hub) => {
    const tied = adaptedModel(smallConfig({ tie_word_embeddings: true }));
    const { vocabSize, hiddenSize } = smallConfig().text;
    const shape = [vocabSize, hiddenSize];
    const data = Float32Array.from({ length: vocabSize * hiddenSize }, () => random.normal());
    const q = moduleOf("model.layers.0.self_attn.q_proj", 2, 4);
    writeAdapter(folder, { ...plain, modules: [q] }, tied);
    expect((await readAdapter(folder, tied)).unties).toBe(false);
    const part = `base_model.model.${stored}`;
    const sides = `base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_`;
    writeSafetensors(
      join(folder, "adapter_model.safetensors"),
      [
        { name: part, shape, data },
        { name: `${sides}A.weight`, shape: [2, q.inputs], data: q.a_RI },
        { name: `${sides}B.weight`, shape: [q.outputs, 2], data: q.b_OR },
      ],
      "F32",
    );
    const read = await readAdapter(folder, tied);
    expect(read.unties).toBe(true);
    expect(read.replaced).toEqual([{ name: hub, shape, data }]);
    expect(read.modules.map(({ name }) => name)).toEqual(["model.layers.0.self_attn.q_proj"]);
  });
  test("tensors of another model", async () => {
    await expect(readAdapter(folder, adaptedModel(smallConfig({ num_hidden_layers: 1 })))).rejects.toThrow(
      /without a place in this model.*got 2, but not .*layers.1/,
    );
  });
  const stored: [string, Record<string, number[]>, RegExp][] = [
    ["nothing", {}, /adapter without tensors/],
    [
      "half a path",
      {
        [`${base}.0.self_attn.q_proj.lora_A.weight`]: [2, 32],
        [`${base}.1.self_attn.q_proj.lora_A.weight`]: [2, 32],
      },
      /half of a side path/,
    ],
    [
      "both generations",
      {
        [`${base}.0.self_attn.q_proj.lora_A.weight`]: [2, 32],
        "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight": [32, 2],
      },
      /mixes two generations/,
    ],
    [
      "names without the prefix",
      { "model.layers.0.self_attn.q_proj.lora_A.weight": [2, 32] },
      /without a place/,
    ],
    [
      "a magnitude vector",
      { [`${base}.0.self_attn.q_proj.lora_magnitude_vector`]: [32] },
      /of a kind that cannot be read.*got .*lora_magnitude_vector; merge it/,
    ],
    [
      "a side path on the patch convolution",
      { "base_model.model.model.visual.patch_embed.proj.lora_A.weight": [2, 3, 2, 14, 14] },
      /of a kind that cannot be read.*patch_embed.*merge it/,
    ],
    [
      "a side path on the embedding",
      { "base_model.model.model.language_model.embed_tokens.lora_embedding_A": [2, 64] },
      /of a kind that cannot be read.*lora_embedding_A.*merge it.*untie it before/,
    ],
    [
      "the same twice",
      {
        [`${base}.0.self_attn.q_proj.lora_A.weight`]: [2, 32],
        [`${base}.0.self_attn.q_proj.lora_A.default.weight`]: [2, 32],
      },
      /names a module twice/,
    ],
  ];
  test.each(stored)("stored: %s", async (_, shapes, message) => {
    const tensors = Object.entries(shapes).map(([name, shape]) => ({
      name,
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    }));
    writeSafetensors(join(folder, "adapter_model.safetensors"), tensors, "F32");
    await expect(readAdapter(folder, model)).rejects.toThrow(message);
  });
  test("whole modules whose names are no regular expression", async () => {
    const file = join(folder, "adapter_config.json");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(before), modules_to_save: ["(lm_head"] }));
    await expect(readAdapter(folder, model)).rejects.toThrow(/regular expression of an adapter.*lm_head/);
    writeFileSync(file, before);
  });
  test("an old format", async () => {
    const old = join(folder, "old");
    mkdirSync(old, { recursive: true });
    writeFileSync(join(old, "adapter_config.json"), readFileSync(join(folder, "adapter_config.json")));
    writeFileSync(join(old, "adapter_model.bin"), "");
    await expect(readAdapter(old, model)).rejects.toThrow(/adapter in an old format.*safe_serialization/);
  });
  test("what cannot be written", () => {
    expect(() => writeAdapter(folder, { ...plain, modules: [] }, model)).toThrow(/without modules/);
    expect(() =>
      writeAdapter(folder, { ...plain, modules: [{ ...moduleOf(names[0]!, 1, 1), name: "x" }] }, model),
    ).toThrow(/does not have.*got x/);
  });
});

describe("adapters that people bring", () => {
  const place = join(folder, "brought");
  const file = join(place, "adapter_config.json");
  const write = (names: readonly string[], change: Record<string, unknown>): void => {
    writeAdapter(place, { ...plain, modules: names.map((name) => moduleOf(name, 2, 4)) }, model);
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...change }));
  };
  const all = [...linear.keys()];
  const mlp = (tower: RegExp): string[] => all.filter((name) => tower.test(name) && name.includes(".mlp."));

  test.each([
    ["text only", /^model/],
    ["vision only", /^visual.blocks/],
  ])("%s, with targets that fit the other tower too: nothing is added there", async (_, tower) => {
    const names = mlp(tower);
    write(names, { target_modules: ["gate_proj", "up_proj", "down_proj"] });
    expect((await readAdapter(place, model)).modules.map(({ name }) => name)).toEqual(names);
    write(names.slice(1), { target_modules: ["gate_proj", "up_proj", "down_proj"] });
    await expect(readAdapter(place, model)).rejects.toThrow(/selected but not stored/);
  });
  test.each([
    ["(?i).*\\.MLP\\.(gate|up|down)_proj", true],
    [".*\\.MLP\\.(gate|up|down)_proj", false],
    ["(?is)model\\..*LAYERS.*(?P<part>mlp)\\..*", true],
    ["\\Amodel\\..*layers.*mlp\\..*\\Z", true],
  ])("pattern %s", async (pattern, fits) => {
    write(mlp(/^model/), { target_modules: pattern });
    const read = readAdapter(place, model);
    if (fits) expect((await read).modules).toHaveLength(6);
    else await expect(read).rejects.toThrow(/stored but not selected/);
  });
  test("a pattern with a flag that JavaScript has not", async () => {
    write(mlp(/^model/), { target_modules: "(?x) .* mlp .*" });
    await expect(readAdapter(place, model)).rejects.toThrow(/regular expression of an adapter/);
  });
  test("empty tensors of a save under ZeRO-3", async () => {
    write(mlp(/^model/), {});
    const tensors = mlp(/^model/).flatMap((name) =>
      ["A", "B"].map((side) => ({
        name: `base_model.model.${namedFor("current", name)}.lora_${side}.weight`,
        shape: [0],
        data: new Float32Array(0),
      })),
    );
    writeSafetensors(join(place, "adapter_model.safetensors"), tensors, "F32");
    await expect(readAdapter(place, model)).rejects.toThrow(/adapter of empty tensors.*12 of 12.*ZeRO-3/);
  });
  test("a resized vocabulary", async () => {
    const untied = adaptedModel(smallConfig({ tie_word_embeddings: false }));
    writeAdapter(place, { ...plain, modules: [moduleOf("model.layers.0.mlp.up_proj", 1, 1)] }, untied);
    const { lora_A, lora_B } = {
      lora_A: {
        name: "base_model.model.model.language_model.layers.0.mlp.up_proj.lora_A.weight",
        shape: [1, 32],
      },
      lora_B: {
        name: "base_model.model.model.language_model.layers.0.mlp.up_proj.lora_B.weight",
        shape: [48, 1],
      },
    };
    const table = { name: "base_model.model.model.language_model.embed_tokens.weight", shape: [70, 32] };
    const tensors = [lora_A, lora_B, table].map((one) => ({
      ...one,
      data: new Float32Array(one.shape.reduce((a, b) => a * b, 1)),
    }));
    writeSafetensors(join(place, "adapter_model.safetensors"), tensors, "F32");
    await expect(readAdapter(place, untied)).rejects.toThrow(
      /vocabulary was resized.*expected 64 tokens, as the model has them; got 70/,
    );
  });
});

test("whole parameters travel with the adapter", async () => {
  const untied = smallConfig({ tie_word_embeddings: false });
  const replaced = [
    { name: "model.embed_tokens.weight", shape: [64, 32], data: new Float32Array(64 * 32).fill(0.5) },
  ];
  writeAdapter(
    folder,
    { ...plain, replaced, modules: [moduleOf("model.layers.0.mlp.up_proj", 1, 1)] },
    adaptedModel(untied),
  );
  const back = await readAdapter(folder, adaptedModel(untied));
  expect(back.replaced).toEqual(replaced);
  expect(back.matched).toBe(3);
});
