import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Every file below a folder with its SHA-256, sorted by name. @throws when there is none */
export const hashedFiles = (folder: string): string[] => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  if (files.length === 0) throw new Error(`no files in ${folder}`);
  return files.map((file) => {
    const hash = createHash("sha256").update(readFileSync(file)).digest("hex");
    return `${relative(folder, file)} ${hash}`;
  });
};
