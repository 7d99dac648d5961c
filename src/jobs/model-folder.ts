import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { readCheckpoints } from "../runs/checkpoints.ts";
import { runFiles } from "../runs/run-folder.ts";
import { baseOfAdapter, isAdapterFolder } from "../weights/folder-kind.ts";
import { fetchModel } from "../weights/hub.ts";
import type { JobContext } from "./job-context.ts";

/** "owner/name", with "@revision" behind it when it is not the main branch. */
const hubName = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/;

const isModelOrAdapter = (folder: string): boolean =>
  existsSync(join(folder, "config.json")) || isAdapterFolder(folder);

/** True for the folder of a run: it keeps its checkpoints below itself. */
const isRun = (folder: string): boolean => existsSync(join(folder, runFiles.checkpoints));

/** The newest `checkpoint-STEP` of a folder that transformers' Trainer wrote and that holds no model itself; undefined: none. */
const newestOfTrainer = (folder: string): string | undefined => {
  if (isModelOrAdapter(folder)) return undefined;
  const steps = readdirSync(folder)
    .flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
  return steps.map((step) => join(folder, `checkpoint-${step}`)).find(isModelOrAdapter);
};

/** A folder as it is, or the newest checkpoint of a run. @throws {ConfigError} for a folder with several runs, or none yet */
const checkpointIn = (folder: string, flag: string): string => {
  if (isRun(folder)) {
    const newest = readCheckpoints(join(folder, runFiles.checkpoints)).complete.at(-1);
    if (newest !== undefined) return newest.folder;
    throw new ConfigError("the run has no complete checkpoint yet", { where: `${flag} ${folder}` });
  }
  const ofTrainer = newestOfTrainer(folder);
  if (ofTrainer !== undefined) return ofTrainer;
  const runs = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isRun(join(folder, entry.name)))
    .map(({ name }) => name)
    .sort();
  // A quickstart's folder has a config.json too, which is no model's.
  const holdsWeights = readdirSync(folder).some((name) => /\.(safetensors|bin)$/.test(name));
  if (runs.length > 0 && !holdsWeights)
    throw new ConfigError("a folder with several runs", {
      where: `${flag} ${folder}`,
      expected: "one of them",
      got: runs.join(", "),
      hint: `e.g. ${flag} ${join(folder, runs[0]!)}`,
    });
  return folder;
};

/**
 * The folder of a checkpoint or adapter that a person names: a folder as it is, the newest checkpoint of a run (ours or
 * transformers'), anything else of the form
 * "owner/name" or "owner/name@revision" from the hub (or its cache).
 *
 * @param flag for the message, e.g. "--model"
 * @throws {ConfigError} when it is neither
 */
export const modelFolder = async (named: string, flag: string, context: JobContext): Promise<string> => {
  if (existsSync(named) && statSync(named).isDirectory()) return checkpointIn(named, flag);
  if (existsSync(named))
    throw new ConfigError("a file, not a folder", {
      where: `${flag} ${named}`,
      expected: "a folder with config.json and *.safetensors",
      hint: `give its folder: ${flag} ${dirname(named)}`,
    });
  const [, repository, revision] = hubName.exec(named) ?? [];
  if (repository === undefined)
    throw new ConfigError("no such model", {
      where: flag,
      expected:
        "a folder with config.json and weights, or a name of the hub like Qwen/Qwen2.5-VL-3B-Instruct",
      got: named,
    });
  const progress = context.progress(`fetching ${repository}`, "bytes");
  const { signal } = context;
  return fetchModel(repository, { progress, signal, ...(revision === undefined ? {} : { revision }) });
};

/** A checkpoint, and the adapter that is used with it. */
export interface ModelWithAdapter {
  readonly folder: string;
  readonly adapterFolder: string | undefined;
}

/**
 * The model and the adapter that a person names. An adapter that is named as the model (a run that trained one) is used
 * with the model that it says it was trained on.
 *
 * @param flags for messages
 * @throws {ConfigError} as {@link modelFolder}; also where the adapter's model is not there
 */
export const modelWithAdapter = async (
  named: string,
  adapter: string | undefined,
  context: JobContext,
  flags: { readonly model: string; readonly adapter: string } = { model: "--model", adapter: "--adapter" },
): Promise<ModelWithAdapter> => {
  const folder = await modelFolder(named, flags.model, context);
  if (adapter !== undefined)
    return { folder, adapterFolder: await modelFolder(adapter, flags.adapter, context) };
  const base = isAdapterFolder(folder) ? baseOfAdapter(folder) : undefined;
  if (base === undefined) return { folder, adapterFolder: undefined };
  return {
    folder: await modelFolder(base, `model of the adapter ${folder}`, context),
    adapterFolder: folder,
  };
};
