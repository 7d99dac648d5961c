import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../../src/core/files.ts";

/** Every file of a data set folder by its content; of the folder of the work only `below` it, if named. */
export const setContents = (set: string, work?: "results"): Record<string, string> => {
  const walk = (below: string): string[] =>
    readdirSync(join(set, below), { withFileTypes: true }).flatMap((entry) => {
      const path = join(below, entry.name);
      if (path === ".build") return work === undefined ? [] : walk(join(path, work));
      return entry.isDirectory() ? walk(path) : [path];
    });
  return Object.fromEntries(walk("").map((file) => [file, sha256(readFileSync(join(set, file)))]));
};

/** How many clips of a set have a result. */
export const resultsIn = (set: string): number => {
  const folder = join(set, ".build", "results");
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith(".json")).length;
};
