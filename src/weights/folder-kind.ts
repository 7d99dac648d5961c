import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ConfigError, UnsupportedError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";

const has = (folder: string, name: string): boolean => existsSync(join(folder, name));

/** Names in a folder; none when it is no folder. */
const namesIn = (folder: string): string[] =>
  existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder).sort() : [];

const modelHint = "give a folder with config.json and *.safetensors, or a name of the hub";

/** The model of the hub that a folder of its cache stands for: `models--owner--name`. */
const cachedName = (folder: string): string | undefined => {
  const [, name] = /^models--(.+)$/.exec(folder) ?? [];
  return name?.replaceAll("--", "/");
};

/** Refuses a cache of the hub, and a model's folder in it, which is not the folder with its files. */
const checkIsNoCache = (folder: string, names: readonly string[]): void => {
  const cached = names.flatMap((name) => cachedName(name) ?? []);
  if (cached.length > 0)
    throw new ConfigError("the hub's cache, not one model", {
      where: folder,
      expected: "a model by its name",
      got: cached.slice(0, 5).join(", ") + (cached.length > 5 ? ` and ${cached.length - 5} more` : ""),
    });
  if (names.includes("snapshots") && names.includes("refs")) {
    const snapshots = namesIn(join(folder, "snapshots"));
    const name = cachedName(basename(folder));
    throw new ConfigError("a model's folder in the hub's cache; its files lie deeper", {
      where: folder,
      expected: [
        ...(name === undefined ? [] : [name]),
        ...snapshots.map((one) => join(folder, "snapshots", one)),
      ]
        .slice(0, 3)
        .join(" or "),
    });
  }
};

/** Folders of other programs: what is in them, what they are, what to do. */
const others: readonly (readonly [inside: RegExp, what: string, hint: string])[] = [
  [/\.gguf$/i, "weights in the GGUF format of llama.cpp", "use the checkpoint that it was converted from"],
  [
    /^(global_step\d+|zero_to_fp32\.py)$/,
    "a checkpoint of DeepSpeed in parts",
    "put it together first: python zero_to_fp32.py FOLDER OUT --safe_serialization, and copy config.json and the tokenizer there",
  ],
  [
    /^(pytorch_model_fsdp_\d+|.*\.distcp|\.metadata)$/,
    "a sharded checkpoint of PyTorch (FSDP)",
    "put it together first: accelerate merge-weights FOLDER OUT, and copy config.json and the tokenizer there",
  ],
  [
    /^(latest_checkpointed_iteration\.txt|iter_\d+)$/,
    "a checkpoint of Megatron",
    "convert it to a Hugging Face folder first",
  ],
  [/^(.*\.onnx|onnx)$/i, "a model in ONNX", "use the checkpoint that it was made from"],
  [/^model_index\.json$/, "a pipeline of diffusers", modelHint],
  [
    /\.(bin|pt|pth|ckpt)$/i,
    "weights of PyTorch without a configuration",
    "save it as a Hugging Face folder first: save_pretrained(OUT)",
  ],
];

/** Why a folder without a model's files is none; undefined: nothing that is known. */
const otherKind = (names: readonly string[]): { what: string; got: string; hint: string } | undefined => {
  for (const [inside, what, hint] of others) {
    const got = names.find((name) => inside.test(name));
    if (got !== undefined) return { what, got, hint };
  }
  return undefined;
};

/** What is looked for only to help: a folder that may not be read, or a link that leads nowhere, has nothing. */
const orNone = <T>(look: () => T, none: T): T => {
  try {
    return look();
  } catch {
    return none;
  }
};

/** Folders below that hold what was asked for, two levels down at most. */
const below = (folder: string, isIt: (folder: string) => boolean): string[] => {
  const within = (place: string): string[] =>
    orNone(() => namesIn(place), [])
      .map((name) => join(place, name))
      .filter((path) => orNone(() => statSync(path).isDirectory(), false));
  const near = within(folder);
  return [...near, ...near.flatMap(within)].filter(isIt);
};

/** True for the folder of a PEFT adapter. */
export const isAdapterFolder = (folder: string): boolean =>
  has(folder, "adapter_config.json") && !has(folder, "config.json");

/** Name or folder of the model that an adapter was trained on, as its configuration gives it; undefined: it does not. */
export const baseOfAdapter = (folder: string): string | undefined => {
  const json = readJsonFile(join(folder, "adapter_config.json")) as Record<string, unknown> | null;
  const base = json?.["base_model_name_or_path"];
  return typeof base === "string" && base !== "" ? base : undefined;
};

/**
 * Refuses folders that are something else than a checkpoint, and says what they are.
 * @throws {ConfigError} for an adapter, the hub's cache, a folder without a configuration
 * @throws {UnsupportedError} for GGUF, ONNX and the checkpoints of other trainers
 */
export const checkIsModel = (folder: string): void => {
  if (has(folder, "config.json")) return;
  if (has(folder, "adapter_config.json"))
    throw new ConfigError("an adapter, not a model", {
      where: folder,
      hint: `give ${baseOfAdapter(folder) ?? "the model that it was trained on"} as the model and this folder as its adapter`,
    });
  const names = namesIn(folder);
  checkIsNoCache(folder, names);
  const other = otherKind(names);
  if (other !== undefined)
    throw new UnsupportedError(other.what, {
      where: folder,
      expected: "config.json and safetensors",
      got: other.got,
      hint: other.hint,
    });
  if (names.includes("hub")) checkIsNoCache(join(folder, "hub"), namesIn(join(folder, "hub")));
  const [first, ...more] = below(folder, (one) => has(one, "config.json"));
  throw new ConfigError("not a model's folder", {
    where: folder,
    expected: "config.json",
    got: names.length === 0 ? "nothing" : names.slice(0, 5).join(", "),
    hint:
      first === undefined
        ? modelHint
        : `below it lies ${first}${more.length > 0 ? " (and others)" : ""}: give that`,
  });
};

/** Weights beside a configuration that are of another kind than safetensors; undefined: none are there. */
export const otherWeights = (folder: string): { got: string; hint: string } | undefined => {
  const names = namesIn(folder);
  if (names.some((name) => /^pytorch_model.*\.bin(\.index\.json)?$/.test(name)))
    return { got: "pytorch_model.bin", hint: "save it again with safe_serialization=True" };
  const other = otherKind(names);
  return other === undefined ? undefined : { got: `${other.got}: ${other.what}`, hint: other.hint };
};

/**
 * Refuses folders that are something else than a PEFT adapter, and says what they are.
 * @throws {ConfigError} for a whole model, the hub's cache, a folder without an adapter
 */
export const checkIsAdapter = (folder: string): void => {
  if (has(folder, "adapter_config.json")) return;
  if (has(folder, "config.json"))
    throw new ConfigError("a model, not an adapter", {
      where: folder,
      expected: "adapter_config.json",
      hint: "a merged checkpoint is given as the model itself, without an adapter",
    });
  const names = namesIn(folder);
  checkIsNoCache(folder, names);
  throw new ConfigError("not an adapter's folder", {
    where: folder,
    expected: "adapter_config.json and adapter_model.safetensors",
    got: names.length === 0 ? "nothing" : names.slice(0, 5).join(", "),
  });
};

/** How people call the methods that `quant_method` names. */
const methods: Readonly<Record<string, string>> = {
  awq: "AWQ",
  gptq: "GPTQ",
  fp8: "FP8",
  fbgemm_fp8: "FP8 (FBGEMM)",
  hqq: "HQQ",
  aqlm: "AQLM",
  quanto: "Quanto",
  torchao: "torchao",
  eetq: "EETQ (int8)",
  mxfp4: "MXFP4",
  "auto-round": "AutoRound",
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The method of a `quantization_config`, as a person calls it. */
const methodOf = (fields: Readonly<Record<string, unknown>>): string => {
  const name = String(fields["quant_method"] ?? "");
  if (name === "" && typeof fields["group_size"] === "number" && typeof fields["bits"] === "number")
    return `MLX (${fields["bits"]} bits)`;
  if (name === "modelopt")
    return `ModelOpt (${String(fields["quant_algo"] ?? "an algorithm that it does not name")})`;
  if (fields["load_in_4bit"] === true) return "bitsandbytes (4 bits)";
  if (fields["load_in_8bit"] === true) return "bitsandbytes (int8)";
  if (name === "compressed-tensors") return `compressed-tensors (${compressedFormat(fields)})`;
  return methods[name] ?? (name === "" ? "a method that it does not name" : name);
};

/** Which numbers llm-compressor stores: FP8, int8, int4. */
const compressedFormat = (fields: Readonly<Record<string, unknown>>): string => {
  const groups = isObject(fields["config_groups"]) ? Object.values(fields["config_groups"]) : [];
  const weights = groups.flatMap((group) =>
    isObject(group) && isObject(group["weights"]) ? [group["weights"]] : [],
  );
  const [first] = weights;
  if (first === undefined) return String(fields["format"] ?? "quantized");
  const bits = String(first["num_bits"] ?? "");
  return first["type"] === "float" ? `FP${bits}` : `int${bits}`;
};

/** What to do about tensors without numbers. */
export const emptyHint =
  "a save under DeepSpeed ZeRO-3 that did not gather the weights leaves them empty: save it again (stage3_gather_16bit_weights_on_model_save), or make it from the ZeRO checkpoint with zero_to_fp32.py";

/** What to do about quantized weights. */
export const unquantizedHint = "use the unquantized checkpoint (bfloat16 or float16) that it was made from";

/**
 * Refuses a configuration of quantized weights, naming the method.
 * @throws {UnsupportedError}
 */
export const checkIsUnquantized = (json: unknown, where: string): void => {
  if (!isObject(json)) return;
  const text = isObject(json["text_config"]) ? json["text_config"] : {};
  const found = [json, text].flatMap((fields) =>
    ["quantization_config", "compression_config", "quantization"].flatMap((name) =>
      isObject(fields[name]) ? [fields[name]] : [],
    ),
  );
  const [fields] = found;
  if (fields === undefined) return;
  throw new UnsupportedError(`weights quantized with ${methodOf(fields)}`, {
    where,
    expected: "weights in float32, float16 or bfloat16",
    hint: unquantizedHint,
  });
};
