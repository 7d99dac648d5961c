import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { SplitShares } from "../dataset/split.ts";
import { pairsValue } from "./option-values.ts";

/** Adds `--split`: parts of a data set by the content of its clips, so that no clip is in two of them. */
export const splitOption = (command: Command): Command =>
  command.option("--split <validation=share,test=share>", "parts by the clip's content", pairsValue);

/**
 * The shares that `--split` names; undefined without it.
 *
 * @throws {ConfigError} for another part or a share outside 0 to 1
 */
export const splitShares = (split: Readonly<Record<string, string>> | undefined): SplitShares | undefined => {
  if (split === undefined) return undefined;
  const share = (name: string): number => {
    const value = Number(split[name] ?? 0);
    if (value >= 0 && value < 1) return value;
    throw new ConfigError("bad --split", { expected: `a share below 1 for ${name}`, got: split[name]! });
  };
  const stray = Object.keys(split).find((name) => name !== "validation" && name !== "test");
  if (stray !== undefined)
    throw new ConfigError("bad --split", { expected: "validation=0.05,test=0.05", got: stray });
  return { validation: share("validation"), test: share("test") };
};
