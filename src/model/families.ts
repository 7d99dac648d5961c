import { join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import type { ModelConfig } from "./config.ts";
import { fieldsOf } from "./config-fields.ts";
import type { ModelFamily } from "./family.ts";
import { qwen25Family } from "./qwen2_5_vl/family.ts";

const families = new Map<string, ModelFamily>([["qwen2_5_vl", qwen25Family]]);

/** The family of a configuration that was read, or made for it. @throws {ConfigError} when there is none of its name */
export const familyOf = ({ family: name }: Pick<ModelConfig, "family">, where?: string): ModelFamily => {
  const family = families.get(name);
  if (family === undefined)
    throw new ConfigError("a checkpoint of another family", {
      ...(where === undefined ? {} : { where }),
      expected: `model_type ${[...families.keys()].map((known) => JSON.stringify(known)).join(" or ")}`,
      got: JSON.stringify(name),
      hint: `choose a checkpoint of ${[...families.values()].map(({ title }) => title).join(" or ")}, or one that was trained here`,
    });
  return family;
};

/**
 * Reads a parsed `config.json` of any family.
 *
 * @param where file name for error messages
 * @throws {ConfigError} for an unknown family, a missing or ill-typed field, or sizes that do not fit together
 * @throws {UnsupportedError} for what the family cannot compute
 */
export const readConfig = (json: unknown, where: string): ModelConfig => {
  const root = fieldsOf(json, where);
  return familyOf({ family: root.text("model_type") ?? "none" }, where).readConfig(root);
};

/** Reads the configuration of a checkpoint folder. */
export const readConfigFile = (folder: string): ModelConfig => {
  const file = join(folder, "config.json");
  return readConfig(readJsonFile(file), file);
};
