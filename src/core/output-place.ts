import { accessSync, constants, existsSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigError, messageOf } from "./errors.ts";

/**
 * Fails before any work is done where a file or folder could not be written after it. Rights alone do not say that
 * (the administrator has them all, `/proc` and full disks take nothing), so a folder is made there and taken away.
 *
 * @throws {ConfigError}
 */
export const checkOutput = (path: string, kind: "file" | "folder"): void => {
  const refused = (error: unknown): ConfigError =>
    new ConfigError("cannot write there", {
      where: path,
      got: messageOf(error),
      hint: "choose a place that can be written",
      cause: error,
    });
  const isFolder = (place: string): boolean => statSync(place).isDirectory();
  try {
    if (existsSync(path) && isFolder(path) !== (kind === "folder"))
      throw new ConfigError("cannot write there", {
        where: path,
        expected: `a ${kind}, or nothing yet`,
        got: kind === "folder" ? "a file" : "a folder",
      });
    let place = resolve(path);
    if (kind === "file" || !existsSync(place)) place = dirname(place);
    while (!existsSync(place)) place = dirname(place);
    if (!isFolder(place))
      throw new ConfigError("cannot write there", { where: path, got: `${place} is a file` });
    accessSync(place, constants.W_OK | constants.X_OK);
    rmdirSync(mkdtempSync(join(place, ".videoperceiver-")));
  } catch (error) {
    throw error instanceof ConfigError ? error : refused(error);
  }
};
