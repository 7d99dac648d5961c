import { InvalidArgumentError } from "commander";
import type { ScoredRate } from "../absent/scored-frames.ts";

/** Bounds of a number, both included. */
export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
}

/** Frames a second that can be asked for: one in eleven days to one a microsecond. */
export const rateBounds: { readonly min: number; readonly max: number } = { min: 1e-6, max: 1e6 };

const checked = (text: string, value: number, kind: string, { min, max }: NumberBounds): number => {
  const low = min ?? Number.NEGATIVE_INFINITY;
  const high = max ?? Number.POSITIVE_INFINITY;
  if (text.trim() !== "" && Number.isFinite(value) && value >= low && value <= high) return value;
  const bounds = [min === undefined ? "" : ` >= ${min}`, max === undefined ? "" : ` <= ${max}`];
  throw new InvalidArgumentError(`expected ${kind}${bounds.filter(Boolean).join(" and")}; got "${text}"`);
};

/** The integer that a text is; NaN for anything else, also beyond 2^53, where integers are rounded silently. */
const wholeNumber = (text: string): number =>
  /^\s*[-+]?\d+\s*$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : Number.NaN;

/** Parser of an option that is an integer, for commander's `option(flags, help, parser)`. */
export const integerValue =
  (bounds: NumberBounds = {}): ((text: string) => number) =>
  (text) =>
    checked(text, wholeNumber(text), "an integer", bounds);

/** Parser of an option that is a finite number. */
export const numberValue =
  (bounds: NumberBounds = {}): ((text: string) => number) =>
  (text) =>
    checked(text, Number(text), "a number", bounds);

/**
 * Parser of an option that is a list `a,b,c`; blanks around items and empty items go.
 * @throws {InvalidArgumentError} when nothing is left
 */
export const listValue = (text: string): string[] => {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
  if (items.length === 0) throw new InvalidArgumentError(`expected names separated by commas; got "${text}"`);
  return items;
};

/**
 * Parser of an option that is a list of plug-ins, `NAME,NAME:key=value,key=value,NAME`: a `key=value` belongs to the name
 * before it.
 */
export const namesValue = (text: string): string[] => {
  const names: string[] = [];
  for (const item of listValue(text)) {
    const last = names.at(-1);
    if (last?.includes(":") && /^[A-Za-z]\w*=/.test(item)) names[names.length - 1] = `${last},${item}`;
    else names.push(item);
  }
  return names;
};

/** Parser of an option that is a share of a whole, 0 and 1 left out. */
export const shareValue = (text: string): number => {
  const share = Number(text);
  if (share > 0 && share < 1) return share;
  throw new InvalidArgumentError(`expected a share between 0 and 1, such as 0.05; got "${text}"`);
};

/**
 * Parser of an option that is a list `a;b;c` of answers, which may hold commas; two or more, none twice.
 * @throws {InvalidArgumentError} otherwise
 */
export const optionsValue = (text: string): string[] => {
  const items = text
    .split(";")
    .map((item) => item.trim())
    .filter(Boolean);
  if (items.length < 2 || new Set(items).size !== items.length)
    throw new InvalidArgumentError(`expected two or more different answers separated by ";"; got "${text}"`);
  return items;
};

/** Parser of an option that is a rate of scored frames. */
export const rateValue = (text: string): ScoredRate => {
  if (text === "all" || text === "auto") return text;
  const rate = Number(text);
  const { min, max } = rateBounds;
  if (text.trim() !== "" && rate >= min && rate <= max) return rate;
  throw new InvalidArgumentError(`expected a number >= ${min} and <= ${max}, "all" or "auto"; got "${text}"`);
};

/** Parser of an option that is one of a few words. */
export const choiceValue =
  <T extends string>(words: readonly T[]): ((text: string) => T) =>
  (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`expected ${words.join(", ")}; got "${text}"`);
  };

/** Parser of an option that is `key=value,key=value`. */
export const pairsValue = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    listValue(text).map((part) => {
      const equals = part.indexOf("=");
      if (equals < 1 || equals === part.length - 1)
        throw new InvalidArgumentError(`expected key=value,...; got "${part}"`);
      return [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
