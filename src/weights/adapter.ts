import { existsSync } from "node:fs";
import { join } from "node:path";
import { WeightsError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import { type AdapterConfig, readAdapterConfig } from "./adapter-config.ts";
import { type AdaptedModel, linearModules, patternValue, untiedModel } from "./adapter-names.ts";
import { type AdapterPlace, changesTable, placesOf } from "./adapter-places.ts";
import { targetNaming } from "./adapter-targets.ts";
import { checkIsAdapter, emptyHint } from "./folder-kind.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors.ts";
import type { AdapterNaming } from "./tensor-names.ts";

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
  /** With it the model has a word table and a head of its own, which it ties without. */
  readonly unties?: boolean;
  /** Names of which generation the file used; undefined when they do not tell. */
  readonly naming: AdapterNaming | undefined;
  /** Tensors of the file, each of which found its place. */
  readonly matched: number;
}

/** Names of the two tensors of a module's side path. */
interface Side {
  A?: string;
  B?: string;
}

/** Reads the tensors of one adapter folder. */
class AdapterReader {
  readonly #file: SafetensorsFile;
  readonly #config: AdapterConfig;
  #model: AdaptedModel;
  /** File of the configuration, for messages. */
  readonly #where: string;
  readonly #hint: string;

  constructor(file: SafetensorsFile, config: AdapterConfig, model: AdaptedModel, where: string) {
    this.#file = file;
    this.#config = config;
    this.#model = model;
    this.#where = where;
    this.#hint = `use the model that it was trained on${config.base === "" ? "" : `: ${config.base}`}`;
  }

  async read(): Promise<Adapter> {
    this.#checkHasNumbers();
    const untied = untiedModel(this.#model);
    const { places, naming } = placesOf(this.#file.tensors.keys(), untied, this.#file.file, this.#hint);
    const unties = this.#model.tiedHead !== undefined && places.some(changesTable);
    if (unties) this.#model = untied;
    const replaced = await this.#replaced(places);
    const sides = this.#sides(places);
    const modules = await this.#modules(sides, naming ?? "current");
    const { rsLora, dropout, base } = this.#config;
    return { modules, replaced, rsLora, dropout, base, unties, naming, matched: places.length };
  }

  #checkHasNumbers(): void {
    const empty = [...this.#file.tensors.values()].filter(({ shape }) => shape.includes(0));
    if (empty.length > 0)
      throw new WeightsError("adapter of empty tensors", {
        where: this.#file.file,
        expected: "numbers",
        got: `${empty.length} of ${this.#file.tensors.size} without any, e.g. ${empty[0]!.name} [${empty[0]!.shape}]`,
        hint: emptyHint,
      });
  }

  #check(stored: string, wanted: readonly number[]): void {
    const { shape } = this.#file.tensors.get(stored)!;
    const ofVocabulary = /(^|\.)(embed_tokens|lm_head)\b/.test(stored);
    if (ofVocabulary && shape.length === wanted.length && shape[0] !== wanted[0] && shape[1] === wanted[1])
      throw new WeightsError("adapter of a model whose vocabulary was resized", {
        where: `${this.#file.file}, ${stored}`,
        expected: `${wanted[0]} tokens, as the model has them`,
        got: `${shape[0]}`,
        hint: "resize the model as it was resized for training (resize_token_embeddings) and save it, or merge the adapter with peft",
      });
    if (String(shape) !== String(wanted))
      throw new WeightsError("adapter of another model", {
        where: `${this.#file.file}, ${stored}`,
        expected: `[${wanted}]`,
        got: `[${shape}]`,
        hint: this.#hint,
      });
  }

  async #replaced(places: readonly AdapterPlace[]): Promise<ReplacedParameter[]> {
    const shapes = new Map(this.#model.parameters.map(({ name, shape }) => [name, shape]));
    const replaced: ReplacedParameter[] = [];
    for (const { stored, hub, part } of places) {
      if (part !== "whole") continue;
      const shape = shapes.get(hub)!;
      this.#check(stored, shape);
      replaced.push({ name: hub, shape, data: await this.#file.readFloats(stored) });
    }
    return replaced;
  }

  #sides(places: readonly AdapterPlace[]): Map<string, Side> {
    const sides = new Map<string, Side>();
    for (const { stored, hub, part } of places) {
      if (part === "whole") continue;
      const side = sides.get(hub) ?? {};
      if (side[part] !== undefined)
        throw new WeightsError("adapter names a module twice", { where: this.#file.file, got: stored });
      side[part] = stored;
      sides.set(hub, side);
    }
    return sides;
  }

  async #modules(sides: ReadonlyMap<string, Side>, naming: AdapterNaming): Promise<LoraModule[]> {
    const config = this.#config;
    const targets = targetNaming(config, this.#model, new Set(sides.keys()), naming, this.#where);
    const modules: LoraModule[] = [];
    for (const [name, { inputs, outputs }] of linearModules(this.#model)) {
      const side = sides.get(name);
      if (side === undefined) continue;
      if (side.A === undefined || side.B === undefined)
        throw new WeightsError("adapter has half of a side path", { where: this.#file.file, got: name });
      const path = this.#model.names.namedFor(targets, name);
      const rank = patternValue(config.rankPattern, path, config.rank, this.#where);
      const alpha = patternValue(config.alphaPattern, path, config.alpha, this.#where);
      this.#check(side.A, [rank, inputs]);
      this.#check(side.B, [outputs, rank]);
      modules.push({
        name,
        rank,
        alpha,
        scale: alpha / (config.rsLora ? Math.sqrt(rank) : rank),
        a_RI: await this.#file.readFloats(side.A),
        b_OR: await this.#file.readFloats(side.B),
        inputs,
        outputs,
      });
    }
    return modules;
  }
}

/**
 * Reads a PEFT folder (`adapter_config.json`, `adapter_model.safetensors`) of either naming generation. As in peft 0.21
 * an adapter may train the head of a model that ties it to the word table, or the table: they are two matrices then.
 *
 * @throws {ConfigError} for a folder that is something else
 * @throws {WeightsError} unless every tensor has its place, every selected module has both of its tensors, and all
 * shapes fit the model
 * @throws {UnsupportedError} for other methods than LoRA and options that change its numbers
 */
export const readAdapter = async (folder: string, model: AdaptedModel): Promise<Adapter> => {
  checkIsAdapter(folder);
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
    return await new AdapterReader(file, adapterConfig, model, configFile).read();
  } finally {
    await file.close();
  }
};
