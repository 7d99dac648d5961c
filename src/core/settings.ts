/** Settings as people write them: dotted keys, files, and what a schema says about both. */
import type { z } from "zod";
import { UnknownNameError } from "./errors.ts";
import { nearestName } from "./nearest.ts";

/** A tree of settings. */
export type Settings = Readonly<Record<string, unknown>>;

const isTree = (value: unknown): value is Settings =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a schema takes without its default; undefined where it is no object of known keys. */
const shapeOf = (schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> | undefined => {
  const def = schema._zod.def as {
    readonly type: string;
    readonly innerType?: z.core.$ZodType;
    readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  };
  if (def.innerType !== undefined) return shapeOf(def.innerType);
  return def.type === "object" ? def.shape : undefined;
};

/**
 * Checks that a schema has every key of some settings.
 * @throws {UnknownNameError} for the first that it has not, with its dotted path and the nearest
 */
export const checkKeys = (settings: Settings, schema: z.core.$ZodType, path = ""): void => {
  const shape = shapeOf(schema);
  if (shape === undefined) return;
  const known = Object.keys(shape);
  for (const [key, value] of Object.entries(settings)) {
    if (!known.includes(key)) {
      const full = (name: string): string => `${path}${name}`;
      const nearest = nearestName(key, known);
      throw new UnknownNameError(
        "setting",
        full(key),
        known.map(full),
        nearest === undefined ? undefined : full(nearest),
      );
    }
    if (isTree(value)) checkKeys(value, shape[key]!, `${path}${key}.`);
  }
};

/** Settings with others laid over them: trees are joined, anything else is replaced. */
export const mergeSettings = (below: Settings, above: Settings): Settings => {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const before = merged[key];
    merged[key] = isTree(before) && isTree(value) ? mergeSettings(before, value) : value;
  }
  return merged;
};

/** `a.b.c` and a value as a tree. */
export const settingAt = (path: string, value: unknown): Settings =>
  path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Settings;

/** The leaves of a tree by their dotted paths. */
export const flatSettings = (settings: Settings, path = ""): Map<string, unknown> => {
  const leaves = new Map<string, unknown>();
  for (const [key, value] of Object.entries(settings)) {
    const own = path === "" ? key : `${path}.${key}`;
    if (!isTree(value) || Object.keys(value).length === 0) leaves.set(own, value);
    else for (const [inner, leaf] of flatSettings(value, own)) leaves.set(inner, leaf);
  }
  return leaves;
};
