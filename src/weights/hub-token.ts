import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where the Python client and `hf auth login` keep the token. */
const tokenFile = (): string => {
  const caches = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return process.env["HF_TOKEN_PATH"] ?? join(process.env["HF_HOME"] ?? join(caches, "huggingface"), "token");
};

/**
 * The person's token for the hub: `HF_TOKEN`, or the file that `hf auth login` writes (`HF_TOKEN_PATH`, `token` in
 * `HF_HOME`). Undefined when there is none; it must never be printed.
 */
export const hubToken = (): string | undefined => {
  const given = process.env["HF_TOKEN"]?.trim();
  if (given) return given;
  const file = tokenFile();
  return existsSync(file) ? readFileSync(file, "utf8").trim() || undefined : undefined;
};
