import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { WeightsError } from "../core/errors.ts";
import { makeFolder } from "../core/files.ts";
import type { Parameter } from "./parameter.ts";
import {
  elementsOf,
  type NamedTensor,
  type StorageType,
  writeSafetensors,
  writtenTypes,
} from "./write-safetensors.ts";

/** How a checkpoint is saved. */
export interface CheckpointOptions {
  /** Number format on disk; default that of the configuration. */
  readonly dtype?: StorageType;
  /** Folder whose tokenizer, processor and generation files are copied. */
  readonly tokenizerFrom?: string;
  /** Most bytes of tensors in one file; default 5e9, as transformers has it. */
  readonly shardBytes?: number;
}

/** What is written besides the numbers. */
export interface CheckpointContent {
  readonly config: Readonly<Record<string, unknown>>;
  readonly generation: Readonly<Record<string, unknown>>;
  readonly parameters: readonly Parameter[];
  readonly storage: StorageType;
}

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
  makeFolder(dirname(target));
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

const writeJson = (folder: string, name: string, value: unknown): void =>
  writeFileSync(join(folder, name), `${JSON.stringify(value, undefined, 2)}\n`);

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

const checkComplete = (
  expected: readonly Parameter[],
  tensors: readonly NamedTensor[],
  folder: string,
): void => {
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor.shape]));
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

/** Weights in one file, or in shards with their index. */
const writeWeights = (
  folder: string,
  tensors: readonly NamedTensor[],
  storage: StorageType,
  shardBytes: number,
): void => {
  const bytesEach = storage === "float32" ? 4 : 2;
  const shards = inShards(tensors, bytesEach, shardBytes);
  if (shards.length === 1) {
    writeSafetensors(join(folder, "model.safetensors"), tensors, writtenTypes[storage]);
    return;
  }
  const weightMap: Record<string, string> = {};
  const padded = (number: number): string => String(number).padStart(5, "0");
  for (const [index, shard] of shards.entries()) {
    const name = `model-${padded(index + 1)}-of-${padded(shards.length)}.safetensors`;
    writeSafetensors(join(folder, name), shard, writtenTypes[storage]);
    for (const tensor of shard) weightMap[tensor.name] = name;
  }
  const total = tensors.reduce((sum, { shape }) => sum + elementsOf(shape) * bytesEach, 0);
  writeJson(folder, "model.safetensors.index.json", {
    metadata: { total_size: total },
    weight_map: weightMap,
  });
};

/**
 * Writes a checkpoint folder; it appears whole or not at all, and one that was there is replaced.
 *
 * @throws {WeightsError} when the tensors are not exactly the parameters
 */
export const writeCheckpoint = (
  folder: string,
  { config, generation, parameters, storage }: CheckpointContent,
  tensors: readonly NamedTensor[],
  { tokenizerFrom, shardBytes = 5e9 }: Pick<CheckpointOptions, "tokenizerFrom" | "shardBytes"> = {},
): void => {
  checkComplete(parameters, tensors, folder);
  replaceFolder(folder, (temporary) => {
    writeJson(temporary, "config.json", config);
    writeJson(temporary, "generation_config.json", generation);
    if (tokenizerFrom !== undefined)
      for (const name of companions) {
        const from = join(tokenizerFrom, name);
        if (existsSync(from)) copyFileSync(from, join(temporary, name));
      }
    writeWeights(temporary, tensors, storage, shardBytes);
  });
};
