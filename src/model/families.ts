import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import { folderRegistry, type Registry } from "../core/registry.ts";
import { checkIsModel, checkIsUnquantized } from "../weights/folder-kind.ts";
import type { ModelConfig } from "./config.ts";
import { fieldsOf } from "./config-fields.ts";
import type { ModelFamily, ModelFamilyPlugin } from "./family.ts";

/** Every folder beside this file that has a `family.ts`, and what people add. */
export const modelFamilies: Registry<ModelFamilyPlugin> = folderRegistry(
  "model family",
  new URL("./", import.meta.url),
  "family",
);

/** Families that were loaded: all of ours, and what was added since as soon as a file names it. */
const loaded = new Map<string, ModelFamily>();

const loadFamily = async (name: string): Promise<void> => {
  if (!loaded.has(name) && modelFamilies.names().includes(name))
    loaded.set(name, (await modelFamilies.make(name)).value);
};
for (const name of modelFamilies.names()) await loadFamily(name);

/** The family of a configuration. @throws {ConfigError} when there is none of its name */
export const familyOf = ({ family: name }: Pick<ModelConfig, "family">, where?: string): ModelFamily => {
  const family = loaded.get(name);
  if (family !== undefined) return family;
  const titles = [...loaded.values()].map(({ title }) => title);
  throw new ConfigError("a checkpoint of another family", {
    ...(where === undefined ? {} : { where }),
    expected: `model_type ${[...loaded.keys()].map((known) => JSON.stringify(known)).join(" or ")}`,
    got: JSON.stringify(name),
    hint: `choose a checkpoint of ${titles.join(" or ")}, or one that was trained here`,
  });
};

/**
 * Reads a parsed `config.json` of any family that was loaded.
 *
 * @param where file name for error messages
 * @throws {ConfigError} for an unknown family, a missing or ill-typed field, or sizes that do not fit together
 * @throws {UnsupportedError} for what the family cannot compute
 */
export const readConfig = (json: unknown, where: string): ModelConfig => {
  const root = fieldsOf(json, where);
  return familyOf({ family: root.text("model_type") ?? "none" }, where).readConfig(root);
};

/** As {@link readConfig}, of a family that may have been added from outside since. */
export const readAnyConfig = async (json: unknown, where: string): Promise<ModelConfig> => {
  await loadFamily(fieldsOf(json, where).text("model_type") ?? "none");
  return readConfig(json, where);
};

/**
 * Ids that end an answer: those of `generation_config.json` when there is one, even if it names none.
 * @source transformers 5.23, `PreTrainedModel.from_pretrained`
 */
const withEnds = (config: ModelConfig, folder: string): ModelConfig => {
  const file = join(folder, "generation_config.json");
  if (!existsSync(file)) return config;
  const fields = fieldsOf(readJsonFile(file), file);
  const endOfText = fields.has("eos_token_id") ? fields.integers("eos_token_id") : [];
  return { ...config, tokens: { ...config.tokens, endOfText } };
};

/**
 * Reads the configuration of a checkpoint folder, `config.json` and `generation_config.json`; its family may have been
 * added from outside.
 *
 * @throws {ConfigError} as {@link readConfig}, and for a folder that is something else than a checkpoint
 */
export const readConfigFile = async (folder: string): Promise<ModelConfig> => {
  checkIsModel(folder);
  const file = join(folder, "config.json");
  const json = readJsonFile(file);
  checkIsUnquantized(json, file);
  return withEnds(await readAnyConfig(json, file), folder);
};
