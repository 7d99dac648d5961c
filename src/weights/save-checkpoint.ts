import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { WeightsError } from "../core/errors.ts";
import type { Qwen25VLConfig, StorageType } from "../model/qwen2_5_vl/config.ts";
import { expectedTensors } from "../model/qwen2_5_vl/hub-tensors.ts";
import { writeConfig } from "../model/qwen2_5_vl/write-config.ts";
import { elementsOf, type NamedTensor, type WrittenType, writeSafetensors } from "./write-safetensors.ts";

/** How a checkpoint is saved. */
export interface SaveOptions {
  /** Number format on disk; default that of the configuration. */
  readonly dtype?: StorageType;
  /** Folder whose tokenizer, processor and generation files are copied. */
  readonly tokenizerFrom?: string;
  /** Most bytes of tensors in one file; default 5e9, as transformers has it. */
  readonly shardBytes?: number;
}

/** Storage type -> the name in safetensors headers. */
export const writtenTypes: Readonly<Record<StorageType, WrittenType>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

/** Files beside the weights that make a checkpoint usable. */
const companions: readonly string[] = [
  "tokenizer.json",
  "tokenizer_config.json",
  "vocab.json",
  "merges.txt",
  "added_tokens.json",
  "special_tokens_map.json",
  "chat_template.json",
  "chat_template.jinja",
  "preprocessor_config.json",
  "video_preprocessor_config.json",
  "processor_config.json",
  "generation_config.json",
];

/** Fills a new folder beside `folder` and puts it in its place; a crash leaves the old one or the whole new one. */
export const replaceFolder = (folder: string, fill: (temporary: string) => void): void => {
  const target = resolve(folder);
  const temporary = `${target}.${process.pid}.tmp`;
  const old = `${target}.${process.pid}.old`;
  mkdirSync(dirname(target), { recursive: true });
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  try {
    fill(temporary);
    if (existsSync(target)) renameSync(target, old);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (existsSync(old) && !existsSync(target)) renameSync(old, target);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
};

const inShards = (tensors: readonly NamedTensor[], bytesEach: number, limit: number): NamedTensor[][] => {
  const shards: NamedTensor[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const bytes = elementsOf(tensor.shape) * bytesEach;
    if (shards.length === 0 || bytes > room) {
      shards.push([]);
      room = limit;
    }
    shards.at(-1)!.push(tensor);
    room -= bytes;
  }
  return shards;
};

const checkComplete = (config: Qwen25VLConfig, tensors: readonly NamedTensor[], folder: string): void => {
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor.shape]));
  const expected = expectedTensors(config);
  const missing = expected.find(({ name }) => !given.has(name));
  if (missing !== undefined)
    throw new WeightsError("a parameter is not saved", { where: folder, got: missing.name });
  const names = new Map(expected.map(({ name, shape }) => [name, shape]));
  for (const [name, shape] of given) {
    const wanted = names.get(name);
    if (wanted === undefined)
      throw new WeightsError("not a parameter of this model", { where: folder, got: name });
    if (String(shape) !== String(wanted))
      throw new WeightsError(`shape of ${name}`, {
        where: folder,
        expected: `[${wanted}]`,
        got: `[${shape}]`,
      });
  }
};

/**
 * Writes a checkpoint that transformers 4.49 and 5.x load: the hub's layout, names and configuration. The folder
 * appears whole or not at all; one that was there is replaced.
 *
 * @throws {WeightsError} when the tensors are not exactly the parameters of the configuration
 */
export const saveCheckpoint = (
  folder: string,
  config: Qwen25VLConfig,
  tensors: Iterable<NamedTensor>,
  options: SaveOptions = {},
): void => {
  const list = [...tensors];
  checkComplete(config, list, folder);
  const storage = options.dtype ?? config.storage;
  const bytesEach = storage === "float32" ? 4 : 2;
  replaceFolder(folder, (temporary) => {
    const json = (name: string, value: unknown): void =>
      writeFileSync(join(temporary, name), `${JSON.stringify(value, undefined, 2)}\n`);
    json("config.json", writeConfig({ ...config, storage }));
    const { begin, endOfText, pad } = config.tokens;
    json("generation_config.json", {
      ...(begin === undefined ? {} : { bos_token_id: begin }),
      ...(endOfText.length === 0 ? {} : { eos_token_id: [...endOfText] }),
      ...(pad === undefined ? {} : { pad_token_id: pad }),
    });
    if (options.tokenizerFrom !== undefined)
      for (const name of companions) {
        const from = join(options.tokenizerFrom, name);
        if (existsSync(from)) copyFileSync(from, join(temporary, name));
      }
    const shards = inShards(list, bytesEach, options.shardBytes ?? 5e9);
    if (shards.length === 1) {
      writeSafetensors(join(temporary, "model.safetensors"), list, writtenTypes[storage]);
      return;
    }
    const weightMap: Record<string, string> = {};
    const padded = (number: number): string => String(number).padStart(5, "0");
    for (const [index, shard] of shards.entries()) {
      const name = `model-${padded(index + 1)}-of-${padded(shards.length)}.safetensors`;
      writeSafetensors(join(temporary, name), shard, writtenTypes[storage]);
      for (const tensor of shard) weightMap[tensor.name] = name;
    }
    json("model.safetensors.index.json", {
      metadata: { total_size: list.reduce((sum, { shape }) => sum + elementsOf(shape) * bytesEach, 0) },
      weight_map: weightMap,
    });
  });
};
