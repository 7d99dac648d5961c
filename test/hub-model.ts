/** A small random checkpoint as the hub has them: no segment ends, a chat template, a processor that keeps sizes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writePictureSettings } from "../src/model/picture-settings.ts";
import { loadTokenizer } from "../src/text/tokenizer.ts";
import { tokenFields, writeRandomCheckpoint, writeWordTokenizer } from "./random-checkpoint.ts";
import { smallConfig, smallVision } from "./unit/model/small-config.ts";

/**
 * Writes such a checkpoint into `folder`/name.
 * @param change fields of the configuration
 */
export const hubModel = (
  folder: string,
  name: string,
  words: readonly string[],
  change: Readonly<Record<string, unknown>> = {},
): string => {
  const files = join(folder, `${name} files`);
  writeWordTokenizer(files, words, []);
  writePictureSettings(files, { width: 56, height: 56, framesPerSecond: 2 });
  for (const file of ["preprocessor_config.json", "video_preprocessor_config.json"]) {
    const place = join(files, file);
    const settings = JSON.parse(readFileSync(place, "utf8")) as Record<string, unknown>;
    writeFileSync(place, JSON.stringify({ ...settings, min_pixels: 784, max_pixels: 1e6 }));
  }
  const out = join(folder, name);
  writeRandomCheckpoint(out, files, smallConfig({ ...tokenFields(loadTokenizer(files)), ...change }), name);
  return out;
};

/** A random model of a few ten thousand parameters with a vocabulary of these words, in `folder/model`. */
export const tinyHubModel = (folder: string, words: readonly string[]): string =>
  hubModel(folder, "model", words, {
    hidden_size: 48,
    intermediate_size: 96,
    rope_scaling: { type: "mrope", mrope_section: [2, 2, 2] },
    vision_config: { ...smallVision, hidden_size: 32, intermediate_size: 48, out_hidden_size: 48 },
  });
