import { benchShapes } from "../bench/sides/shapes.ts";
import { newCheckpoint } from "../src/jobs/new-checkpoint.ts";
import { familyOf } from "../src/model/families.ts";
import { loadTokenizer } from "../src/text/tokenizer.ts";

/** Writes random weights of shape small with a tokenizer's own vocabulary and special tokens. */
export const smallHubModel = async (folder: string, tokenizer: string): Promise<void> => {
  const { config } = benchShapes.small;
  const words = loadTokenizer(tokenizer);
  const own = {
    ...config,
    text: { ...config.text, vocabSize: Math.ceil(words.size / 64) * 64 },
    tokens: {
      image: words.idOf("<|image_pad|>"),
      video: words.idOf("<|video_pad|>"),
      visionStart: words.idOf("<|vision_start|>"),
      visionEnd: words.idOf("<|vision_end|>"),
      begin: undefined,
      endOfText: [words.idOf("<|im_end|>")],
      pad: words.idOf("<|endoftext|>"),
    },
  };
  await newCheckpoint(folder, familyOf(own).writeConfig(own), 1, tokenizer);
};
