import { existsSync } from "node:fs";
import { join } from "node:path";
import { UnsupportedError, WeightsError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import type { Qwen25VLConfig } from "../model/qwen2_5_vl/config.ts";
import { expectedTensors } from "../model/qwen2_5_vl/hub-tensors.ts";
import { type AdapterConfig, mergeHint, readAdapterConfig } from "./adapter-config.ts";
import {
  type AdapterNaming,
  linearModules,
  namedFor,
  patternValue,
  readName,
  targetTest,
  wholeMatch,
} from "./adapter-names.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors.ts";

/** The side path of one module: out += scale * B (A x). R is the rank, I inputs, O outputs. */
export interface LoraModule {
  /** Hub name of the module without `.weight`. */
  readonly name: string;
  readonly rank: number;
  readonly alpha: number;
  /** alpha / rank, or alpha / sqrt(rank). */
  readonly scale: number;
  readonly a_RI: Float32Array;
  readonly b_OR: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
}

/** A parameter that the adapter replaces whole (`modules_to_save`). */
export interface ReplacedParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A low-rank adapter in memory. */
export interface Adapter {
  readonly modules: readonly LoraModule[];
  readonly replaced: readonly ReplacedParameter[];
  readonly rsLora: boolean;
  readonly dropout: number;
  /** Name of the base model that the file gives; may be empty. */
  readonly base: string;
  /** Names of which generation the file used; undefined when they do not tell. */
  readonly naming: AdapterNaming | undefined;
  /** Tensors of the file, each of which found its place. */
  readonly matched: number;
}

const prefix = "base_model.model.";

/** What one stored name means. */
interface Place {
  readonly stored: string;
  readonly hub: string;
  readonly naming: AdapterNaming | undefined;
  readonly part: "A" | "B" | "whole";
}

const placeOf = (stored: string, file: string): Place => {
  const wrong = (got: string): WeightsError =>
    new WeightsError("tensor of an adapter without a place in this model", { where: file, got });
  if (!stored.startsWith(prefix)) throw wrong(stored);
  const inner = stored.slice(prefix.length);
  const odd = /\.(lora_embedding_[AB]|lora_magnitude_vector)\b|\.patch_embed\.proj\.lora_/.exec(inner);
  if (odd !== null)
    throw new UnsupportedError("adapter of a kind that cannot be read", {
      where: file,
      expected: "side paths of linear modules only",
      got: stored,
      hint: mergeHint,
    });
  const side = /^(.*)\.lora_([AB])(?:\.default)?\.weight$/.exec(inner);
  if (side !== null) return { stored, ...readName(side[1]!), part: side[2] as "A" | "B" };
  const whole = inner.replace(/\.modules_to_save(\.default)?|\.base_layer/, "");
  return { stored, ...readName(whole), part: "whole" };
};

const layerOf = (path: string, patterns: readonly string[]): number | undefined => {
  for (const pattern of patterns.length === 0 ? ["[^.]*"] : patterns) {
    const found = new RegExp(`^.*\\.${pattern}\\.(\\d+)\\.`).exec(path)?.[1];
    if (found !== undefined) return Number(found);
  }
  return undefined;
};

/** `layers_to_transform` counts where targets are ends of names; whole names and patterns select in every layer. */
const isLayerChosen = ({ layers, layersPattern, targets }: AdapterConfig, path: string): boolean => {
  if (layers === undefined || typeof targets === "string" || targets.includes(path)) return true;
  const layer = layerOf(path, layersPattern);
  return layer !== undefined && layers.includes(layer);
};

/**
 * Hub names of the modules that the configuration selects, under the names of one generation.
 * @source peft 0.21, `check_target_module_exists`
 */
const targeted = (
  config: AdapterConfig,
  modules: Iterable<string>,
  naming: AdapterNaming,
  where: string,
): Set<string> => {
  const selects = targetTest(config.targets, where);
  const excludes = config.exclude === undefined ? () => false : targetTest(config.exclude, where);
  const saved = config.saved.map((name) => wholeMatch(`(?:.*\\.)?(?:${name})(?:\\..*)?`, where));
  const chosen = new Set<string>();
  for (const hub of modules) {
    const path = namedFor(naming, hub);
    if (!isLayerChosen(config, path)) continue;
    if (selects(path) && !excludes(path) && !saved.some((whole) => whole.test(path))) chosen.add(hub);
  }
  return chosen;
};

const some = (names: readonly string[]): string =>
  names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");

const baseHint = ({ base }: AdapterConfig): string =>
  `use the model that it was trained on${base === "" ? "" : `: ${base}`}`;

const readAll = async (
  file: SafetensorsFile,
  adapterConfig: AdapterConfig,
  config: Qwen25VLConfig,
  where: string,
): Promise<Adapter> => {
  const places = [...file.tensors.keys()].map((stored) => placeOf(stored, file.file));
  if (places.length === 0) throw new WeightsError("adapter without tensors", { where: file.file });
  const generations = new Set(places.flatMap(({ naming }) => (naming === undefined ? [] : [naming])));
  if (generations.size > 1)
    throw new WeightsError("adapter mixes two generations of names", { where: file.file });
  const [naming] = generations;
  const linear = linearModules(config);
  const parameters = new Map(expectedTensors(config).map(({ name, shape }) => [name, shape]));
  const sides = new Map<string, { A?: string; B?: string }>();
  const replaced: ReplacedParameter[] = [];
  const check = (stored: string, wanted: readonly number[]): void => {
    const { shape } = file.tensors.get(stored)!;
    if (String(shape) !== String(wanted))
      throw new WeightsError("adapter of another model", {
        where: `${file.file}, ${stored}`,
        expected: `[${wanted}]`,
        got: `[${shape}]`,
        hint: baseHint(adapterConfig),
      });
  };
  const untying = places.find(
    ({ hub }) => config.text.tieWordEmbeddings && /^(lm_head|model\.embed_tokens)\b/.test(hub),
  );
  if (untying !== undefined)
    throw new UnsupportedError("adapter changes embedding or head of a model that ties them", {
      where: file.file,
      expected: "side paths of other modules",
      got: untying.stored,
      hint: mergeHint,
    });
  const strangers = places.filter(({ hub, part }) => !(part === "whole" ? parameters : linear).has(hub));
  if (strangers.length > 0)
    throw new WeightsError("tensors of an adapter without a place in this model", {
      where: file.file,
      expected: `${places.length} that fit`,
      got: `${places.length - strangers.length}, but not ${some(strangers.map(({ stored }) => stored))}`,
      hint: baseHint(adapterConfig),
    });
  for (const { stored, hub, part } of places) {
    if (part === "whole") {
      const shape = parameters.get(hub)!;
      check(stored, shape);
      replaced.push({ name: hub, shape, data: await file.readFloats(stored) });
      continue;
    }
    const side = sides.get(hub) ?? {};
    if (side[part] !== undefined)
      throw new WeightsError("adapter names a module twice", { where: file.file, got: stored });
    side[part] = stored;
    sides.set(hub, side);
  }
  const generation = naming ?? "current";
  // Renamed tensors keep the target_modules of the version that trained them.
  const other: AdapterNaming = generation === "current" ? "transformers-4.49" : "current";
  const choices = [generation, other].map((targetNaming) => {
    const expected = targeted(adapterConfig, linear.keys(), targetNaming, where);
    return {
      targetNaming,
      missing: [...expected].filter((hub) => !sides.has(hub)),
      extra: [...sides.keys()].filter((hub) => !expected.has(hub)),
    };
  });
  const fitting = choices.find(({ missing, extra }) => missing.length + extra.length === 0);
  const { missing, extra, targetNaming } = fitting ?? choices[0]!;
  if (fitting === undefined)
    throw new WeightsError("adapter's tensors and its target_modules do not agree", {
      where,
      got: [
        ...(missing.length > 0 ? [`selected but not stored: ${some(missing)}`] : []),
        ...(extra.length > 0 ? [`stored but not selected: ${some(extra)}`] : []),
      ].join("; "),
    });
  const modules: LoraModule[] = [];
  for (const [name, { inputs, outputs }] of linear) {
    const side = sides.get(name);
    if (side === undefined) continue;
    if (side.A === undefined || side.B === undefined)
      throw new WeightsError("adapter has half of a side path", { where: file.file, got: name });
    const path = namedFor(targetNaming, name);
    const rank = patternValue(adapterConfig.rankPattern, path, adapterConfig.rank, where);
    const alpha = patternValue(adapterConfig.alphaPattern, path, adapterConfig.alpha, where);
    check(side.A, [rank, inputs]);
    check(side.B, [outputs, rank]);
    modules.push({
      name,
      rank,
      alpha,
      scale: alpha / (adapterConfig.rsLora ? Math.sqrt(rank) : rank),
      a_RI: await file.readFloats(side.A),
      b_OR: await file.readFloats(side.B),
      inputs,
      outputs,
    });
  }
  return {
    modules,
    replaced,
    rsLora: adapterConfig.rsLora,
    dropout: adapterConfig.dropout,
    base: adapterConfig.base,
    naming,
    matched: places.length,
  };
};

/**
 * Reads a PEFT folder (`adapter_config.json`, `adapter_model.safetensors`) of either naming generation.
 *
 * @throws {WeightsError} unless every tensor has its place, every selected module has both of its tensors, and all
 * shapes fit the model
 * @throws {UnsupportedError} for other methods than LoRA and options that change its numbers
 */
export const readAdapter = async (folder: string, config: Qwen25VLConfig): Promise<Adapter> => {
  const configFile = join(folder, "adapter_config.json");
  const adapterConfig = readAdapterConfig(readJsonFile(configFile), configFile);
  const weights = join(folder, "adapter_model.safetensors");
  if (!existsSync(weights) && existsSync(join(folder, "adapter_model.bin")))
    throw new WeightsError("adapter in an old format", {
      where: join(folder, "adapter_model.bin"),
      hint: "save it again with safe_serialization=True",
    });
  const file = await openSafetensors(weights);
  try {
    return await readAll(file, adapterConfig, config, configFile);
  } finally {
    await file.close();
  }
};
