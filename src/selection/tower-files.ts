import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { sha256, sha256OfFile } from "../core/files.ts";

/** How weights are stored, and what transformers.js appends to a file's name for it. */
const towerSuffixes: Readonly<Record<string, string>> = {
  fp32: "",
  fp16: "_fp16",
  q8: "_quantized",
  int8: "_int8",
  q4: "_q4",
};

/**
 * What names the weights of a folder: the first twelve digits of a hash over both towers' files.
 *
 * @throws {ConfigError} when the folder lacks a file that is needed, with the ones that are there
 */
export const towersVersion = async (folder: string, dtype: string): Promise<string> => {
  const suffix = towerSuffixes[dtype] ?? "";
  const towers = ["text_model", "vision_model"].map((name) => `onnx/${name}${suffix}.onnx`);
  for (const file of ["config.json", "preprocessor_config.json", "tokenizer.json", ...towers])
    if (!existsSync(join(folder, file))) {
      const onnx = join(folder, "onnx");
      const there = existsSync(onnx) ? readdirSync(onnx).sort().join(", ") : "";
      throw new ConfigError("the model folder lacks a file", {
        where: folder,
        expected: file,
        got: there === "" ? "no folder onnx" : `onnx/: ${there}`,
        hint: "dtype=fp32|fp16|q8|int8|q4 chooses among weights",
      });
    }
  const digests = await Promise.all(towers.map((file) => sha256OfFile(join(folder, file))));
  return sha256(digests.join()).slice(0, 12);
};
