import { assert, ConfigError } from "../core/errors.ts";
import { splitName } from "../core/named-params.ts";
import { folderRegistry, type MadeBy, type Registry } from "../core/registry.ts";
import type { ModelConfig } from "../model/config.ts";
import { readConfigFile } from "../model/families.ts";
import type { DualEncoderOpener } from "./dual-encoder.ts";
import type { EnginePlugin, EngineRequest, ReadyEngine } from "./engine-plugin.ts";

/** Every folder beside this file that has an `opener.ts`, and what people add. */
export const engineRegistry: Registry<EnginePlugin> = folderRegistry(
  "engine",
  new URL("./", import.meta.url),
  "opener",
);

/** What computes where nobody chooses: the engine in this process. */
export const defaultEngine = "onnx";

/** Which engine computes a model, and with how many threads. */
export interface EngineChoice {
  /** NAME, or NAME:key=value,key=value. Default: {@link defaultEngine}. */
  readonly engine?: string;
  readonly threads: number;
  /** Processes that compute together, for an engine that has some: its parameter `ranks`. */
  readonly ranks?: number | undefined;
  /** Who starts them: its parameter `launcher`. */
  readonly launcher?: string | undefined;
}

/** A model that is ready to compute, and what it is. */
export interface OpenedEngine extends ReadyEngine {
  /** As the folder's files say. */
  readonly config: ModelConfig;
  /** Name and parameters of the engine. */
  readonly recipe: MadeBy;
}

/**
 * Opens a checkpoint, with an adapter if one is named, in the engine that was chosen.
 *
 * @throws {ConfigError} for an unknown engine, parameters that it does not have, a folder that is no checkpoint
 * @throws {WeightsError} when weights or adapter do not fit the configuration
 */
export const openEngine = async (
  { engine = defaultEngine, threads, ranks, launcher }: EngineChoice,
  request: Omit<EngineRequest, "threads">,
): Promise<OpenedEngine> => {
  const more = Object.entries({ ranks, launcher }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const whole = more.length === 0 ? engine : `${engine}${engine.includes(":") ? "," : ":"}${more.join(",")}`;
  const { params } = await engineRegistry.load(splitName(engine).name);
  const own = Object.keys(params.shape);
  for (const [name, value] of Object.entries({ ranks, launcher }))
    if (value !== undefined && !own.includes(name))
      throw new ConfigError(`--${name} is of engines that compute in other processes`, {
        expected: "--engine torch",
        got: `--engine ${engine}`,
      });
  const { value: opener, recipe } = await engineRegistry.choose(whole);
  const config = await readConfigFile(request.folder);
  return { ...(await opener.open({ ...request, threads })), config, recipe };
};

/** What computes the small frame-text encoder: always the engine in this process. */
export const dualEncoderOpener = async (): Promise<DualEncoderOpener> => {
  const { dualEncoder } = (await engineRegistry.make(defaultEngine)).value;
  assert(dualEncoder !== undefined, `the engine ${defaultEngine} computes the frame-text encoder`);
  return dualEncoder;
};
