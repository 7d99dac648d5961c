import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError, messageOf } from "../core/errors.ts";

/** Fails before any work is done where a file or folder could not be written after it. @throws {ConfigError} */
export const checkOutput = (path: string, kind: "file" | "folder"): void => {
  const isFolder = (place: string): boolean => statSync(place).isDirectory();
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
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new ConfigError("cannot write there", { where: path, got: messageOf(error) });
  }
};
