import { availableParallelism } from "node:os";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import { defaultEngine, type EngineChoice } from "../engine/engines.ts";
import { integerValue } from "./option-values.ts";

/** Options that are parameters of the embedded engine, by commander's names. */
const shortcuts = ["execution", "weightStorage", "decodeWeights"] as const;

/** Declares `--engine`. */
export const engineOption = (command: Command): Command =>
  command.option(
    "--engine <name[:arg]>",
    `what computes the model, with its parameters as key=value; own ones by --plugin FOLDER (default: "${defaultEngine}")`,
  );

/** Declares how a model is computed: `--engine`, `--ranks`, `--launcher`, `--threads`, and the embedded engine's `--execution`, `--weight-storage`. */
export const engineOptions = (command: Command): Command =>
  engineOption(command)
    .option(
      "--ranks <count>",
      "processes that compute together (--engine torch), a GPU each; a run goes on with another number",
      integerValue({ min: 1 }),
    )
    .option(
      "--launcher <who>",
      "who starts the ranks (--engine torch): torchrun (the default), or a Ray cluster's ray://HOST:PORT",
    )
    .option("--threads <count>", "threads of the engine", integerValue({ min: 1 }), availableParallelism())
    .addOption(
      new Option(
        "--execution <how>",
        "as one graph, or block by block; auto (the default): by the number of parameters",
      ).choices(["auto", "whole", "layerwise"]),
    )
    .addOption(
      new Option(
        "--weight-storage <how>",
        "frozen matrices when computed block by block; auto (the default): as stored when float32 takes over half of the memory",
      ).choices(["auto", "float32", "as-stored"]),
    );

/**
 * What {@link engineOptions} and `--decode-weights` say.
 *
 * @throws {ConfigError} when options of the embedded engine stand beside another one
 */
export const chosenEngine = (options: Readonly<Record<string, unknown>>): EngineChoice => {
  const given = options as Readonly<Record<string, string | undefined>> & {
    readonly threads: number;
    readonly ranks?: number;
  };
  const { engine, threads, ranks, launcher } = given;
  const params = shortcuts.flatMap((name) => (given[name] === undefined ? [] : [`${name}=${given[name]}`]));
  if (params.length > 0 && engine !== undefined && engine !== defaultEngine)
    throw new ConfigError("parameters of an engine beside --engine", {
      got: `--engine ${engine} and ${params.join(", ")}`,
      hint: `write them as ${engine.split(":")[0]}:key=value,key=value`,
    });
  const chosen = params.length === 0 ? engine : `${defaultEngine}:${params.join(",")}`;
  return {
    threads,
    ...(chosen === undefined ? {} : { engine: chosen }),
    ...(ranks === undefined ? {} : { ranks }),
    ...(launcher === undefined ? {} : { launcher }),
  };
};
