import { existsSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { DataFormatError, messageOf } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";

/** Text to token ids and back. No method adds tokens of its own (no begin or end of text). */
export interface Tokenizer {
  /** Ids of text that comes from outside: never a special token, whatever it says. */
  encode(text: string): number[];
  /** Ids of text of ours, in which the names of special tokens stand for the tokens. */
  encodeWithSpecial(text: string): number[];
  /** Text of ids; `skipSpecial` leaves special tokens out. An id without a token is no text: vocabularies have room to spare. */
  decode(ids: ArrayLike<number>, options?: { readonly skipSpecial?: boolean }): string;
  /** Every added token by its text, special ones and others. */
  readonly added: ReadonlyMap<string, number>;
  /** The id of an added token. @throws {DataFormatError} when the tokenizer has none of that name */
  idOf(name: string): number;
  /** One more than the largest id. */
  readonly size: number;
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A list of tokens, each with id and content. @throws {DataFormatError} when it is something else */
const tokenList = (list: unknown, where: string, name: string): AddedToken[] => {
  const fits = (token: unknown): token is Record<string, unknown> & AddedToken =>
    isObject(token) && Number.isSafeInteger(token["id"]) && typeof token["content"] === "string";
  if (!Array.isArray(list) || !list.every(fits))
    throw new DataFormatError("tokenizer", { where, expected: `${name} with id and content` });
  return list;
};

/**
 * The added tokens of `tokenizer.json`, and those that stand in `tokenizer_config.json` only.
 * @source transformers, `PreTrainedTokenizerFast.__init__`
 */
const addedTokens = (
  json: Record<string, unknown>,
  settings: Record<string, unknown>,
  where: string,
): AddedToken[] => {
  const own = tokenList(json["added_tokens"] ?? [], where, "added_tokens");
  const decoder = settings["added_tokens_decoder"];
  if (!isObject(decoder)) return own;
  const known = new Set(own.map(({ content }) => content));
  const others = Object.entries(decoder).map(([id, token]) =>
    isObject(token) ? { ...token, id: Number(id) } : token,
  );
  const listed = tokenList(others, where, "added_tokens_decoder of tokenizer_config.json");
  return [...own, ...listed.filter(({ content }) => !known.has(content))];
};

/** A vocabulary without the added tokens: a WordLevel file may list them in both places. */
const withoutAdded = (
  json: Record<string, unknown>,
  added: readonly AddedToken[],
): Record<string, unknown> => {
  const model = json["model"];
  if (!isObject(model) || model["type"] !== "WordLevel" || !isObject(model["vocab"])) return json;
  const names = new Set(added.map((token) => token.content));
  const vocab = Object.fromEntries(Object.entries(model["vocab"]).filter(([word]) => !names.has(word)));
  return { ...json, model: { ...model, vocab } };
};

/**
 * A tokenizer from the parsed `tokenizer.json` and `tokenizer_config.json`.
 *
 * @param where file name for error messages
 * @throws {DataFormatError} when the library cannot build it
 */
export const tokenizerFrom = (json: unknown, config: unknown, where: string): Tokenizer => {
  if (!isObject(json)) throw new DataFormatError("tokenizer", { where, expected: "a JSON object" });
  const settings = isObject(config) ? config : {};
  const added = addedTokens(json, settings, where);
  let full: LibraryTokenizer;
  let plain: LibraryTokenizer;
  try {
    full = new LibraryTokenizer({ ...json, added_tokens: added }, settings);
    plain = new LibraryTokenizer(
      { ...withoutAdded(json, added), added_tokens: [] },
      { ...settings, added_tokens_decoder: {}, additional_special_tokens: [] },
    );
  } catch (error) {
    throw new DataFormatError("cannot build the tokenizer", { where, got: messageOf(error), cause: error });
  }
  const ids = new Map(added.map((token) => [token.content, token.id]));
  const unknownWord = isObject(json["model"]) ? json["model"]["unk_token"] : undefined;
  const unknownId = typeof unknownWord === "string" ? full.token_to_id(unknownWord) : undefined;
  const idsOf = (library: LibraryTokenizer, text: string): number[] => {
    if (text === "") return [];
    const encoding: { readonly ids: readonly (number | undefined)[]; readonly tokens: readonly string[] } =
      library.encode(text, { add_special_tokens: false });
    return encoding.ids.map((id, at) => {
      const known = id ?? unknownId;
      if (known === undefined)
        throw new DataFormatError("text outside the vocabulary, and no unknown token", {
          where,
          got: JSON.stringify(encoding.tokens[at]),
        });
      return known;
    });
  };
  let size = 0;
  for (const id of full.get_vocab().values()) size = Math.max(size, id + 1);
  return {
    encode: (text) => idsOf(plain, text),
    encodeWithSpecial: (text) => idsOf(full, text),
    decode: (source, options) => {
      const list = Array.from(source).filter((id) => full.id_to_token(id) !== undefined);
      return list.length === 0
        ? ""
        : full.decode(list, {
            skip_special_tokens: options?.skipSpecial ?? false,
            clean_up_tokenization_spaces: false,
          });
    },
    added: ids,
    idOf: (name) => {
      const id = ids.get(name);
      if (id === undefined) throw new DataFormatError("no such added token", { where, got: name });
      return id;
    },
    size,
  };
};

/** The tokenizer of a checkpoint's folder (`tokenizer.json`, and `tokenizer_config.json` when there is one). */
export const loadTokenizer = (folder: string): Tokenizer => {
  const file = join(folder, "tokenizer.json");
  if (!existsSync(file))
    throw new DataFormatError("no tokenizer", {
      where: file,
      hint: "copy tokenizer.json beside the weights",
    });
  const config = join(folder, "tokenizer_config.json");
  return tokenizerFrom(readJsonFile(file), existsSync(config) ? readJsonFile(config) : {}, file);
};
