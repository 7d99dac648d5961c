import { dirname, resolve } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { explainZod } from "../../core/registry.ts";
import { type JsonRecord, looksLikeJson, rowsOfRecords } from "../json-records.ts";
import type { Message, MessagePart } from "../sample.ts";
import { defineSource, type SourceDefinition, type SourceRow } from "../sources.ts";

const part = z.union([
  z.string(),
  z.looseObject({ type: z.string(), text: z.string().optional(), video: z.unknown().optional() }),
]);
const content = z.union([z.string(), z.array(part)]);
const message = z.union([
  z.looseObject({ role: z.string(), content }),
  z.looseObject({ from: z.string(), value: z.string() }),
]);
const turns = z.union([z.string(), z.array(message), message.transform((one) => [one])]);
const files = z.union([z.string(), z.array(z.string())]);

const row = z.looseObject({
  messages: z.array(message).optional(),
  conversations: z.array(message).optional(),
  prompt: turns.optional(),
  completion: turns.optional(),
  chosen: turns.optional(),
  system: z.string().optional(),
  rejected: turns.optional(),
  rejected_response: turns.optional(),
  rejected_messages: z.array(message).optional(),
  query: z.string().optional(),
  response: z.string().optional(),
  history: z.array(z.tuple([z.string(), z.string()])).optional(),
  instruction: z.string().optional(),
  input: z.string().optional(),
  output: z.string().optional(),
  images: z.unknown().optional(),
  image: z.unknown().optional(),
  audios: z.unknown().optional(),
  audio: z.unknown().optional(),
  videos: files.optional(),
  video: files.optional(),
  rejected_videos: files.optional(),
  id: z.union([z.string(), z.number()]).optional(),
});

/** Who speaks, in the words of every format. */
const roles: Readonly<Record<string, Message["role"]>> = {
  system: "system",
  user: "user",
  human: "user",
  assistant: "assistant",
  gpt: "assistant",
  model: "assistant",
};

/** A turn before its `<video>` marks are replaced. */
interface Turn {
  readonly role: Message["role"];
  readonly content: z.output<typeof content>;
}

const turnOf = (one: z.output<typeof message>): Turn => {
  const { who, said } =
    "from" in one
      ? { who: one.from as string, said: one.value as string }
      : { who: one.role as string, said: one.content as Turn["content"] };
  const role = roles[who.toLowerCase()];
  if (role === undefined)
    throw new DataFormatError("unknown speaker", { expected: Object.keys(roles).join(", "), got: who });
  return { role, content: said };
};

const turnsOf = (value: z.output<typeof turns> | undefined, role: Message["role"]): Turn[] => {
  if (value === undefined) return [];
  return typeof value === "string" ? [{ role, content: value }] : value.map(turnOf);
};

/** Replaces the marks `<video>` by the row's clips, in order. */
class Clips {
  readonly #named: readonly string[];
  readonly #marks: RegExp;
  #used = 0;
  readonly found: string[] = [];
  /** @param byImage `<image>` stands for a clip, too, as LLaVA's data sets of films have it */
  constructor(named: readonly string[], byImage = false) {
    this.#named = named;
    this.#marks = byImage ? /(<video>|<image>)/ : /(<video>)/;
  }
  #take(): MessagePart {
    const video = this.#named[this.#used++];
    if (video === undefined)
      throw new DataFormatError("more <video> marks than clips", { got: `${this.#named.length} clips` });
    return this.#video(video);
  }
  #video(video: string): MessagePart {
    this.found.push(video);
    return { type: "video", video };
  }
  parts(value: Turn["content"]): MessagePart[] {
    const list = typeof value === "string" ? [value] : value;
    return list.flatMap((one): MessagePart[] => {
      if (typeof one === "string") return this.#textParts(one);
      if (one.type === "text") return this.#textParts(one.text ?? "");
      if (one.type === "video")
        return [typeof one.video === "string" ? this.#video(one.video) : this.#take()];
      throw new DataFormatError("only texts and videos are read", { got: `a part "${one.type}"` });
    });
  }
  #textParts(text: string): MessagePart[] {
    return text.split(this.#marks).flatMap((piece, at): MessagePart[] => {
      // Every second piece is a mark.
      if (at % 2 === 1) return [this.#take()];
      const trimmed = piece.trim();
      return trimmed === "" ? [] : [{ type: "text", text: trimmed }];
    });
  }
  /** Clips that no mark stands for go in front of the first question: that is where trainers put them. */
  rest(): MessagePart[] {
    const rest: MessagePart[] = [];
    while (this.#used < this.#named.length) rest.push(this.#take());
    return rest;
  }
}

const textOf = (parts: readonly MessagePart[]): string =>
  parts
    .flatMap((one) => (one.type === "text" ? [one.text] : []))
    .join(" ")
    .trim();

const namedFiles = (...given: readonly (z.output<typeof files> | undefined)[]): string[] =>
  given.flatMap((one) => (one === undefined ? [] : typeof one === "string" ? [one] : one));

/** The worse side of a preference; nothing where the row is none. @throws {DataFormatError} for one that cannot be used */
const rejectedOf = (data: z.output<typeof row>): Pick<SourceRow, "rejected"> => {
  const { rejected_messages, rejected_response, rejected, rejected_videos } = data;
  const said = rejected_messages?.map(turnOf) ?? turnsOf(rejected_response ?? rejected, "assistant");
  const last = said.at(-1);
  const films = namedFiles(rejected_videos);
  if (last === undefined && films.length === 0) return {};
  const marks = new Clips(films);
  const answer = last === undefined ? undefined : textOf(marks.parts(last.content));
  if (answer === "") throw new DataFormatError("an empty rejected answer");
  if (films.length > 1)
    throw new DataFormatError("not about one clip", {
      where: "rejected_videos",
      expected: "one clip",
      got: films.slice(0, 3).join(", "),
    });
  return {
    rejected: {
      ...(answer !== undefined && { answer }),
      ...(films[0] !== undefined && { clip: { file: films[0] } }),
    },
  };
};

/** Everything that is said, the last word being the answer. */
const allTurns = (data: z.output<typeof row>): Turn[] => {
  const answer = data.completion ?? data.chosen ?? data.response ?? data.output;
  const instructed = [data.instruction, data.input].filter((one) => one !== undefined && one !== "");
  const before = (data.history ?? []).flatMap(([asked, answered]): Turn[] => [
    { role: "user", content: asked },
    { role: "assistant", content: answered },
  ]);
  const said = (data.messages ?? data.conversations)?.map(turnOf) ?? [
    ...before,
    ...turnsOf(data.prompt ?? data.query ?? (instructed.join("\n") || undefined), "user"),
  ];
  const system = data.system === undefined ? [] : [{ role: "system" as const, content: data.system }];
  const answers = turnsOf(answer, "assistant");
  // Preference rows may repeat the whole conversation in the chosen one, or have it there only.
  const tail = said.length > 0 && answers.length > 1 ? answers.slice(-1) : answers;
  return [...system, ...said, ...tail];
};

const conversations = ["messages", "conversations"] as const;
const questions = [...conversations, "prompt", "query"] as const;
/** Alpaca's fields, and those beside which they are something else of the row, whatever they hold. */
const outranked: Readonly<Record<string, readonly string[]>> = {
  instruction: questions,
  input: questions,
  output: [...conversations, "completion", "chosen", "response"],
};

/** What a row says. A null says nothing: a table that holds rows of several kinds has every column in every row. */
const saidIn = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const said = new Map(Object.entries(value).filter(([, one]) => one !== null));
  return Object.fromEntries([...said].filter(([name]) => !outranked[name]?.some((other) => said.has(other))));
};

/** @throws {DataFormatError} for a row that shows or plays something else as well: its question may be about that */
const refuseOtherMedia = (data: z.output<typeof row>): void => {
  for (const name of ["images", "image", "audios", "audio"] as const) {
    const given = data[name];
    const isEmpty = [given].flat().every((one) => [undefined, null, "", false].includes(one as undefined));
    if (!isEmpty) throw new DataFormatError("only texts and videos are read", { got: name });
  }
};

const rowOf = ({ value, name }: JsonRecord): SourceRow => {
  const parsed = row.safeParse(saidIn(value));
  if (!parsed.success)
    throw new DataFormatError("not a conversation", {
      expected:
        "messages, conversations, prompt and completion, query and response, or instruction and output",
      got: explainZod(parsed.error),
    });
  refuseOtherMedia(parsed.data);
  const said = allTurns(parsed.data);
  const last = said.at(-1);
  if (last?.role !== "assistant")
    throw new DataFormatError("no answer", {
      expected: "an assistant's turn at the end",
      got: last === undefined ? "no turns" : `a turn of "${last.role}"`,
    });
  const { videos, video } = parsed.data;
  const clips = new Clips(namedFiles(videos, video), !("image" in parsed.data) && !("images" in parsed.data));
  const messages = said
    .slice(0, -1)
    .map(({ role, content: value }) => ({ role, content: clips.parts(value) }));
  const answer = textOf(clips.parts(last.content));
  const first = messages.findIndex(({ role }) => role === "user");
  if (first < 0) throw new DataFormatError("no question", { expected: "a user's turn" });
  messages[first] = { role: "user", content: [...clips.rest(), ...messages[first]!.content] };
  const files = [...new Set(clips.found)];
  if (files.length !== 1)
    throw new DataFormatError("not about one clip", {
      expected: "one clip",
      got: files.length === 0 ? "none" : files.slice(0, 3).join(", "),
    });
  if (answer === "") throw new DataFormatError("an empty answer");
  const id = parsed.data.id;
  return {
    id: id === undefined ? name : String(id),
    clip: { file: files[0]! },
    messages: messages.filter(({ content: parts }) => parts.length > 0),
    answer,
    answerKind: "open",
    ...rejectedOf(parsed.data),
    provenance: { source: name },
  };
};

/** Conversations about clips in the forms of other trainers. */
const source: SourceDefinition = defineSource({
  summary: "conversations of ms-swift, LLaMA-Factory, TRL or sharegpt: JSON or JSON lines with <video>",
  source: "the data formats that those projects document",
  params: z.strictObject({}),
  recognises: ({ isFolder, head }) =>
    !isFolder &&
    looksLikeJson(head) &&
    (/"(messages|conversations)"\s*:\s*\[/.test(head) ||
      (/"prompt"\s*:/.test(head) && /"(completion|chosen)"\s*:/.test(head)) ||
      (/"videos?"\s*:/.test(head) &&
        ((/"query"\s*:/.test(head) && /"response"\s*:/.test(head)) ||
          (/"instruction"\s*:/.test(head) && /"output"\s*:/.test(head))))),
  create: () => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOfRecords<SourceRow>(place, rowOf);
    },
  }),
});

export default source;
