/** The Python side of engines that compute there: our package, and the environment that holds what it needs. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheRoot } from "../core/cache-root.ts";
import { ConfigError } from "../core/errors.ts";

/** Folder of our Python package, in the repository and in the published package. */
export const pythonPath: string = fileURLToPath(new URL("../../python", import.meta.url));

/** The virtual environment that `engine install torch` makes. */
export const environmentFolder = (): string => join(cacheRoot(), "torch-environment");

/** The interpreter of a virtual environment. */
export const interpreterOf = (folder: string): string =>
  join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/**
 * The interpreter that computes.
 *
 * @param given by a person; default: that of {@link environmentFolder}
 * @throws {ConfigError} when it is not there
 */
export const chosenPython = (given?: string): string => {
  const python = given ?? interpreterOf(environmentFolder());
  // A name without a folder is looked up on the PATH.
  if (existsSync(python) || (given !== undefined && !/[\\/]/.test(given))) return python;
  throw new ConfigError(given === undefined ? "the engine torch is not installed" : "no such Python", {
    where: python,
    hint: "videoperceiver engine install torch makes an environment; --engine torch:python=PATH (engine doctor: --python PATH) names another one",
  });
};
