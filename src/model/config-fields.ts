import { ConfigError, UnsupportedError } from "../core/errors.ts";

/** Checked access to one object of a configuration file; every error names file and field. */
export interface Fields {
  readonly where: string;
  /** True when the field is there and is not null. */
  has(name: string): boolean;
  /** A string, or undefined when absent. */
  text(name: string): string | undefined;
  /** A positive finite number. */
  positive(name: string): number;
  /** An integer >= 1. */
  count(name: string): number;
  /** An integer >= 0. */
  index(name: string): number;
  /** A list of integers >= 0; a single one is a list of one. */
  integers(name: string): readonly number[];
  /** A boolean, or `fallback` when absent. */
  flag(name: string, fallback: boolean): boolean;
  /** An object inside this one. */
  nested(name: string): Fields;
  /** The same fields, falling back to `other` for those that are absent here. */
  orElse(other: Fields): Fields;
  /** A text that can only be `only`, which is also what absence means: the activation. */
  mustUse(name: string, only: string): void;
  /** An error about a field. */
  wrong(name: string, expected: string, got?: string): ConfigError;
}

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const shown = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 80);

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const accessTo = (object: JsonObject, where: string, label: string): Fields => {
  const value = (name: string): unknown =>
    Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
  const wrong = (name: string, expected: string, got?: string): ConfigError =>
    new ConfigError("model configuration", {
      where: `${where}, ${label}${name}`,
      expected,
      got: got ?? (value(name) === undefined ? "nothing" : shown(value(name))),
    });
  const fields: Fields = {
    where: label === "" ? where : `${where}, ${label.slice(0, -1)}`,
    has: (name) => value(name) !== undefined,
    text: (name) => {
      const got = value(name);
      if (got !== undefined && typeof got !== "string") throw wrong(name, "a text");
      return got;
    },
    positive: (name) => {
      const got = value(name);
      if (typeof got !== "number" || !Number.isFinite(got) || got <= 0) throw wrong(name, "a number > 0");
      return got;
    },
    count: (name) => {
      const got = value(name);
      if (!isIndex(got) || got === 0) throw wrong(name, "an integer >= 1");
      return got;
    },
    index: (name) => {
      const got = value(name);
      if (!isIndex(got)) throw wrong(name, "an integer >= 0");
      return got;
    },
    integers: (name) => {
      const got = value(name);
      const list = Array.isArray(got) ? got : [got];
      if (!list.every(isIndex)) throw wrong(name, "integers >= 0");
      return list;
    },
    flag: (name, fallback) => {
      const got = value(name) ?? fallback;
      if (typeof got !== "boolean") throw wrong(name, "true or false");
      return got;
    },
    nested: (name) => {
      const got = value(name);
      if (!isObject(got)) throw wrong(name, "an object");
      return accessTo(got, where, `${label}${name}.`);
    },
    orElse: (other) => ({
      ...fields,
      has: (name) => fields.has(name) || other.has(name),
      text: (name) => (fields.has(name) ? fields : other).text(name),
      positive: (name) => (fields.has(name) ? fields : other).positive(name),
      count: (name) => (fields.has(name) ? fields : other).count(name),
      index: (name) => (fields.has(name) ? fields : other).index(name),
      integers: (name) => (fields.has(name) ? fields : other).integers(name),
      flag: (name, fallback) => (fields.has(name) ? fields : other).flag(name, fallback),
      nested: (name) => (fields.has(name) ? fields : other).nested(name),
      mustUse: (name, only) => (fields.has(name) ? fields : other).mustUse(name, only),
    }),
    mustUse: (name, only) => {
      const got = value(name) ?? only;
      if (got !== only)
        throw new UnsupportedError("activation", {
          where: `${where}, ${label}${name}`,
          expected: shown(only),
          got: shown(got),
        });
    },
    wrong,
  };
  return fields;
};

/** Access to a parsed JSON document. @throws {ConfigError} when it is not an object */
export const fieldsOf = (json: unknown, where: string): Fields => {
  if (!isObject(json))
    throw new ConfigError("model configuration", { where, expected: "a JSON object", got: shown(json) });
  return accessTo(json, where, "");
};
