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

/** A new folder that takes the place of another one as soon as it is whole. */
export interface FolderReplacement {
  /** Where its files are written. */
  readonly temporary: string;
  /** Puts it in its place; a crash leaves the old one or the whole new one. */
  finish(): void;
  /** Removes it; what was there before stays. */
  abandon(): void;
}

/** Begins a new folder beside `folder`. */
export const beginReplacement = (folder: string): FolderReplacement => {
  const target = resolve(folder);
  const temporary = `${target}.${process.pid}.tmp`;
  const old = `${target}.${process.pid}.old`;
  makeFolder(dirname(target));
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  return {
    temporary,
    finish: () => {
      if (existsSync(target)) renameSync(target, old);
      renameSync(temporary, target);
      rmSync(old, { recursive: true, force: true });
    },
    abandon: () => {
      rmSync(temporary, { recursive: true, force: true });
      if (existsSync(old) && !existsSync(target)) renameSync(old, target);
    },
  };
};

/** Fills a new folder beside `folder` and puts it in its place; a crash leaves the old one or the whole new one. */
export const replaceFolder = (folder: string, fill: (temporary: string) => void): void => {
  const replacement = beginReplacement(folder);
  try {
    fill(replacement.temporary);
    replacement.finish();
  } catch (error) {
    replacement.abandon();
    throw error;
  }
};

const writeJson = (folder: string, name: string, value: unknown): void =>
  writeFileSync(join(folder, name), `${JSON.stringify(value, undefined, 2)}\n`);

const inShards = <T extends Pick<NamedTensor, "shape">>(
  tensors: readonly T[],
  bytesEach: number,
  limit: number,
): T[][] => {
  const shards: T[][] = [];
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

/** A file of a checkpoint and what is in it. */
export interface WeightFile<T> {
  readonly name: string;
  readonly tensors: readonly T[];
}

/** The files of a checkpoint: one, or shards. @param shardBytes default 5e9, as transformers has it */
export const weightFiles = <T extends Pick<NamedTensor, "shape">>(
  tensors: readonly T[],
  storage: StorageType,
  shardBytes = 5e9,
): readonly WeightFile<T>[] => {
  const shards = inShards(tensors, storage === "float32" ? 4 : 2, shardBytes);
  if (shards.length === 1) return [{ name: "model.safetensors", tensors }];
  const padded = (number: number): string => String(number).padStart(5, "0");
  return shards.map((shard, index) => ({
    name: `model-${padded(index + 1)}-of-${padded(shards.length)}.safetensors`,
    tensors: shard,
  }));
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

/**
 * Writes everything of a checkpoint but its weights into a folder: configuration, the index of shards, and what makes it
 * usable out of the folder that the tokenizer is from.
 */
export const describeCheckpoint = (
  folder: string,
  { config, generation, storage }: Omit<CheckpointContent, "parameters">,
  files: readonly WeightFile<Parameter>[],
  tokenizerFrom: string | undefined,
): void => {
  writeJson(folder, "config.json", config);
  writeJson(folder, "generation_config.json", generation);
  if (tokenizerFrom !== undefined)
    for (const name of companions) {
      const from = join(tokenizerFrom, name);
      if (existsSync(from)) copyFileSync(from, join(folder, name));
    }
  if (files.length === 1) return;
  const all = files.flatMap(({ name, tensors }) => tensors.map((tensor) => ({ ...tensor, file: name })));
  const bytesEach = storage === "float32" ? 4 : 2;
  writeJson(folder, "model.safetensors.index.json", {
    metadata: { total_size: all.reduce((sum, { shape }) => sum + elementsOf(shape) * bytesEach, 0) },
    weight_map: Object.fromEntries(all.map(({ name, file }) => [name, file])),
  });
};

/**
 * Writes a checkpoint folder; it appears whole or not at all, and one that was there is replaced.
 *
 * @throws {WeightsError} when the tensors are not exactly the parameters
 */
export const writeCheckpoint = (
  folder: string,
  content: CheckpointContent,
  tensors: readonly NamedTensor[],
  { tokenizerFrom, shardBytes }: Pick<CheckpointOptions, "tokenizerFrom" | "shardBytes"> = {},
): void => {
  const { parameters, storage } = content;
  checkComplete(parameters, tensors, folder);
  const files = weightFiles(tensors, storage, shardBytes);
  replaceFolder(folder, (temporary) => {
    describeCheckpoint(temporary, content, files, tokenizerFrom);
    for (const { name, tensors: here } of files)
      writeSafetensors(join(temporary, name), here, writtenTypes[storage]);
  });
};
