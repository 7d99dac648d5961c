import { fileURLToPath } from "node:url";
import { knowingOwnPlugins } from "../../core/registry.ts";
import { modelFamilies, readConfigFile } from "../../model/families.ts";
import type { EngineRequest } from "../engine-plugin.ts";
import { defaultEngine, engineRegistry } from "../engines.ts";
import { RemoteEngine } from "../remote-engine.ts";
import { startWorker } from "../worker-process.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const program = fileURLToPath(new URL(`./worker.${extension}`, import.meta.url));

export interface LoopbackOptions extends EngineRequest {
  /** What the other process holds. Default: {@link defaultEngine}. */
  readonly engine?: string;
  /** Most bytes of patches that the other process keeps. Default 4e9. */
  readonly mediaBytes?: number;
  /** Longest time that a call may take which names none of its own; then the engine is lost. Default: no limit. */
  readonly deadlineSeconds?: number;
}

/** An engine and the process that computes for it. */
export interface OpenedLoopback {
  readonly engine: RemoteEngine;
  readonly warnings: readonly string[];
  readonly processId: number;
}

/** Node's arguments for the other process. @throws {ConfigError} {@link UnknownNameError} for what it cannot load */
const workerArguments = async (held: string, folder: string): Promise<string[]> => {
  const { recipe } = await engineRegistry.choose(held);
  engineRegistry.elsewhere(recipe.name);
  modelFamilies.elsewhere((await readConfigFile(folder)).family);
  return ["--disable-warning=ExperimentalWarning", ...knowingOwnPlugins(), program];
};

/**
 * Opens a checkpoint in an engine that computes in another process of this machine, which knows the plug-ins that this
 * one has loaded from files.
 *
 * @throws {WeightsError} {@link ConfigError} when the checkpoint or adapter cannot be opened
 * @throws {EngineLostError} when the process ends before the model is open
 */
export const openLoopback = async (options: LoopbackOptions): Promise<OpenedLoopback> => {
  const { engine: held = defaultEngine, mediaBytes = 4e9, deadlineSeconds, features, ...request } = options;
  // The other process has nobody to tell of its disk.
  const { onTrouble: _, ...keeping } = features ?? { memoryBytes: 0 };
  const { connection, ready, processId } = await startWorker(
    {
      command: process.execPath,
      args: await workerArguments(held, request.folder),
      errors: "shown",
    },
    { ...request, ...(features && { features: keeping }), engine: held, mediaBytes },
  );
  const { capabilities, warnings } = ready;
  const named = { ...ready, capabilities: { ...capabilities, engine: `loopback (${capabilities.engine})` } };
  return { engine: new RemoteEngine(connection, named, deadlineSeconds), processId, warnings };
};
