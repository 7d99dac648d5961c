import { join } from "node:path";
import { readTextFile } from "../../core/files.ts";
import { pythonPath } from "../../engine/python-environment.ts";

/** The packages that the worker was tested with. */
export const requirementsFile: string = join(pythonPath, "requirements.txt");

/** Versions by package, of lines `name==version`. */
export const pinnedVersions = (file: string): ReadonlyMap<string, string> =>
  new Map(
    readTextFile(file)
      .split("\n")
      .flatMap((line) => {
        const [, name, version] = /^([\w.-]+)==(\S+)$/.exec(line.trim()) ?? [];
        return name === undefined ? [] : [[name, version!] as const];
      }),
  );
