import { existsSync, statSync } from "node:fs";
import { ConfigError } from "../core/errors.ts";
import { fetchModel } from "../weights/hub.ts";
import type { CommandContext } from "./command.ts";

/** "owner/name", with "@revision" behind it when it is not the main branch. */
const hubName = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/;

/**
 * The folder of a checkpoint or adapter that a person names: a folder as it is, anything else of the form
 * "owner/name" or "owner/name@revision" from the hub (or its cache).
 *
 * @param flag for the message, e.g. "--model"
 * @throws {ConfigError} when it is neither
 */
export const modelFolder = async (named: string, flag: string, context: CommandContext): Promise<string> => {
  if (existsSync(named) && statSync(named).isDirectory()) return named;
  const [, repository, revision] = hubName.exec(named) ?? [];
  if (repository === undefined || existsSync(named))
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
