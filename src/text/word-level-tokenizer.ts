import { ConfigError } from "../core/errors.ts";

/** Tokens of Qwen2.5-VL that a scripted world's tokenizer has too, by the same names. */
export const qwenSpecialTokens: readonly string[] = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|vision_start|>",
  "<|vision_end|>",
  "<|image_pad|>",
  "<|video_pad|>",
];

/**
 * Ends of the complete clip, the absent clip and the text; the states there stand for the whole segment.
 * @source VideoPerceiver, Eq. (3): EOS_v, EOS_v', EOS_x
 */
export const segmentEndTokens: readonly [complete: string, absent: string, text: string] = [
  "<|complete_end|>",
  "<|absent_end|>",
  "<|text_end|>",
];

const unknownToken = "<|unknown|>";
const roles: readonly string[] = ["system", "user", "assistant"];

/** The template of Qwen2.5-VL without its default system message, whose words a small vocabulary need not know. */
const template =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n" +
  "{% if message['content'] is string %}{{ message['content'] }}{% else %}" +
  "{% for content in message['content'] %}" +
  "{% if content['type'] == 'image' or 'image' in content %}<|vision_start|><|image_pad|><|vision_end|>" +
  "{% elif content['type'] == 'video' or 'video' in content %}<|vision_start|><|video_pad|><|vision_end|>" +
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** The files of a word-level tokenizer, ready to be written beside weights. */
export interface TokenizerFiles {
  readonly "tokenizer.json": unknown;
  readonly "tokenizer_config.json": unknown;
}

/**
 * A Hugging Face tokenizer whose tokens are words between white space: special tokens first (ids from 0, in the
 * order of {@link qwenSpecialTokens}, then `specials`, then the unknown token), then the roles, then the words.
 *
 * @throws {ConfigError} for a word that is empty, holds white space or is also a special token
 */
export const wordLevelTokenizerJson = (
  words: Iterable<string>,
  specials: readonly string[] = segmentEndTokens,
): TokenizerFiles => {
  const names = [...new Set([...qwenSpecialTokens, ...specials, unknownToken])];
  const vocabulary = [...new Set([...roles, ...words])];
  for (const word of vocabulary)
    if (word === "" || /\s/.test(word) || names.includes(word))
      throw new ConfigError("word of a vocabulary", {
        expected: "text without white space that is no special token",
        got: JSON.stringify(word),
      });
  for (const name of names)
    if (!/^\S+$/.test(name))
      throw new ConfigError("special token", { expected: "no white space", got: JSON.stringify(name) });
  const added = names.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const vocab = Object.fromEntries([...names, ...vocabulary].map((word, id) => [word, id]));
  return {
    "tokenizer.json": {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { type: "WhitespaceSplit" },
      post_processor: null,
      decoder: null,
      model: { type: "WordLevel", vocab, unk_token: unknownToken },
    },
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [String(id), token])),
      additional_special_tokens: names.filter((name) => name !== unknownToken),
      unk_token: unknownToken,
      eos_token: "<|im_end|>",
      pad_token: "<|endoftext|>",
      clean_up_tokenization_spaces: false,
      model_max_length: 1_000_000,
      chat_template: template,
    },
  };
};
