import { availableParallelism } from "node:os";
import { type Command, Option } from "commander";
import type { OpenEngineOptions } from "../engine/onnx/open.ts";
import { integerValue } from "./option-values.ts";

/** Declares how a model is computed: `--threads`, `--execution`, `--weight-storage`. */
export const engineOptions = (command: Command): Command =>
  command
    .option("--threads <count>", "threads of the engine", integerValue({ min: 1 }), availableParallelism())
    .addOption(
      new Option("--execution <how>", "as one graph, or block by block; auto: by the number of parameters")
        .choices(["auto", "whole", "layerwise"])
        .default("auto"),
    )
    .addOption(
      new Option(
        "--weight-storage <how>",
        "frozen matrices when computed block by block; auto: as stored when float32 takes over half of the memory",
      )
        .choices(["auto", "float32", "as-stored"])
        .default("auto"),
    );

/** What {@link engineOptions} and `--decode-weights` say. */
export const chosenEngine = (options: Readonly<Record<string, unknown>>): OpenEngineOptions => {
  const { threads, execution, weightStorage, decodeWeights } = options as unknown as OpenEngineOptions;
  return {
    threads,
    ...(execution === undefined ? {} : { execution }),
    ...(weightStorage === undefined ? {} : { weightStorage }),
    ...(decodeWeights === undefined ? {} : { decodeWeights }),
  };
};
