import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { DataFormatError, messageOf, UnsupportedError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Part of a message for a template; what a media part names does not matter here. */
export type ChatPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "video"; readonly video?: unknown }
  | { readonly type: "image"; readonly image?: unknown };

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: readonly ChatPart[];
}

/** How a conversation is rendered and encoded. */
export interface ChatOptions {
  /** Ends with the start of the assistant's turn; default false. */
  readonly addGenerationPrompt?: boolean;
  /** Numbers the visuals in the text ("Video 1: "); default false. */
  readonly addVisionId?: boolean;
}

/** A rendered conversation as token ids; media placeholders are still one token each. */
export interface EncodedChat {
  readonly text: string;
  readonly ids: Int32Array;
  /** 1 where the assistant speaks, the token that ends its turn included; 0 elsewhere. Same length as `ids`. */
  readonly spoken: Uint8Array;
}

/** The Jinja source of a checkpoint folder's chat template. @throws {DataFormatError} when there is none */
export const loadChatTemplate = (folder: string): string => {
  const jinja = join(folder, "chat_template.jinja");
  if (existsSync(jinja)) return readFileSync(jinja, "utf8");
  for (const name of ["chat_template.json", "tokenizer_config.json"]) {
    const file = join(folder, name);
    if (!existsSync(file)) continue;
    const json = readJsonFile(file) as { readonly chat_template?: unknown } | null;
    const found = json?.chat_template;
    const named = (Array.isArray(found) ? found : []) as { name?: unknown; template?: unknown }[];
    const source = typeof found === "string" ? found : named.find(({ name }) => name === "default")?.template;
    if (typeof source === "string") return source;
  }
  throw new DataFormatError("no chat template", {
    where: folder,
    expected: "chat_template.jinja, or chat_template in chat_template.json or tokenizer_config.json",
  });
};

/** A compiled template. */
export interface ChatTemplate {
  /** The text that the template makes of a conversation; special tokens in user text are not disarmed here. */
  render(messages: readonly ChatMessage[], options?: ChatOptions): string;
  /**
   * Token ids of a conversation. Only the template can name special tokens: the same characters in a message stay
   * text. Text between two special tokens is encoded as one piece, as the reference does.
   *
   * @param spokenApart encode the assistant's words apart from what surrounds them, so that the ids in front are
   * exactly those of the generation prompt and `spoken` is exact; default false (then `spoken` is all 0)
   * @throws {UnsupportedError} when the template rewrites the assistant's words
   */
  encode(
    tokenizer: Tokenizer,
    messages: readonly ChatMessage[],
    options?: ChatOptions & { readonly spokenApart?: boolean },
  ): EncodedChat;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** `count` private-use characters that occur nowhere in `text`. */
const unusedCharacters = (text: string, count: number): string[] => {
  const found: string[] = [];
  for (let code = 0xe000; code <= 0xf8ff && found.length < count; code++) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) found.push(character);
  }
  if (found.length < count)
    throw new UnsupportedError("text that uses every private character", { hint: "remove U+E000 to U+F8FF" });
  return found;
};

/**
 * Breaks up whatever could be read as a special token: inside the text behind the first letter of each name, and
 * next to both ends, where another part could complete a name. The ends themselves stay as they are, because
 * templates may trim.
 */
const disarmed = (text: string, names: RegExp, guard: string): string => {
  const inner = text.replace(names, (name) => name[0] + guard + name.slice(1));
  if (inner.length === 1) return inner.trim() === "" ? inner : inner + guard;
  return inner.length === 0 ? inner : inner[0] + guard + inner.slice(1, -1) + guard + inner.at(-1);
};

const mapText = (
  messages: readonly ChatMessage[],
  change: (text: string, message: ChatMessage) => string,
): ChatMessage[] =>
  messages.map((message) => ({
    ...message,
    content: message.content.map((part) =>
      part.type === "text" ? { ...part, text: change(part.text, message) } : part,
    ),
  }));

/** Compiles a Jinja chat template. @throws {DataFormatError} when it cannot be parsed */
export const chatTemplate = (source: string, where: string): ChatTemplate => {
  let template: Template;
  try {
    template = new Template(source);
  } catch (error) {
    throw new DataFormatError("chat template", { where, got: messageOf(error), cause: error });
  }
  const render: ChatTemplate["render"] = (messages, options = {}) => {
    try {
      return template.render({
        messages,
        add_generation_prompt: options.addGenerationPrompt ?? false,
        add_vision_id: options.addVisionId ?? false,
      });
    } catch (error) {
      throw new DataFormatError("chat template cannot render this conversation", {
        where,
        got: messageOf(error),
        cause: error,
      });
    }
  };
  const encode: ChatTemplate["encode"] = (tokenizer, messages, options = {}) => {
    const everything =
      source +
      messages
        .flatMap(({ content }) => content.map((part) => (part.type === "text" ? part.text : "")))
        .join("");
    const [guard, from, to] = unusedCharacters(everything, 3) as [string, string, string];
    const names = [...tokenizer.added.keys()].sort((a, b) => b.length - a.length).map(escaped);
    const anyName = new RegExp(names.length === 0 ? "(?!)" : names.join("|"), "g");
    const guarded = mapText(messages, (text) => disarmed(text, anyName, guard));
    const clean = (text: string): string => text.replaceAll(guard, "");
    const rendered = render(guarded, options);
    let marked = rendered;
    if (options.spokenApart === true) {
      const spoken = (text: string, { role }: ChatMessage): string =>
        role === "assistant" ? from + text + to : text;
      marked = render(mapText(guarded, spoken), options);
      if (marked.replaceAll(from, "").replaceAll(to, "") !== rendered)
        throw new UnsupportedError("chat template rewrites the assistant's words", {
          where,
          hint: "the loss mask would be wrong",
        });
    }
    const ids: number[] = [];
    const spokenIds: number[] = [];
    const put = (list: readonly number[], spoken: boolean): void => {
      for (const id of list) {
        ids.push(id);
        spokenIds.push(spoken ? 1 : 0);
      }
    };
    let speaking = false;
    let justSpoke = false;
    for (const piece of marked.split(new RegExp(`(${[from, to, ...names].join("|")})`))) {
      if (piece === "") continue;
      if (piece === from || piece === to) {
        speaking = piece === from;
        justSpoke = !speaking;
        continue;
      }
      const special = tokenizer.added.get(piece);
      if (special === undefined) put(tokenizer.encode(clean(piece)), speaking);
      else put([special], speaking || justSpoke);
      justSpoke = false;
    }
    return { text: clean(rendered), ids: Int32Array.from(ids), spoken: Uint8Array.from(spokenIds) };
  };
  return { render, encode };
};
