/** A small checkpoint with random weights that has a word for each of some questions' and options'. */
import { writePictureSettings } from "../src/model/picture-settings.ts";
import { loadTokenizer } from "../src/text/tokenizer.ts";
import { segmentEndTokens } from "../src/text/word-level-tokenizer.ts";
import { tokenFields, writeRandomCheckpoint, writeWordTokenizer } from "./random-checkpoint.ts";
import { smallConfig } from "./unit/model/small-config.ts";

/** @param files folder for its tokenizer */
export const writeQuestionCheckpoint = (
  out: string,
  files: string,
  rows: readonly { readonly question: string; readonly options?: readonly string[] | undefined }[],
): void => {
  const words = rows.flatMap(({ question, options = [] }) =>
    [question, ...options]
      .join(" ")
      .toLowerCase()
      .replace(/([?.,!])/g, " $1 ")
      .split(/\s+/),
  );
  writeWordTokenizer(
    files,
    [...new Set(words)].filter((word) => word !== ""),
    segmentEndTokens,
  );
  writePictureSettings(files, { width: 56, height: 56, framesPerSecond: 4 });
  writeRandomCheckpoint(out, files, smallConfig(tokenFields(loadTokenizer(files))), "first");
};
