import { z } from "zod";
import { seededRandom } from "../core/random.ts";
import type { Message, MessagePart, Sample } from "./sample.ts";

/** How the answer to a question with options is written. */
export const answersParam: z.ZodDefault<z.ZodEnum<{ letter: "letter"; text: "text" }>> = z
  .enum(["letter", "text"])
  .default("letter")
  .describe("the answer of a question with options: its letter, or its text");

/** What {@link answersParam} may be. */
export type AnswerForm = "letter" | "text";

/** One turn as other trainers read it: text in which `<video>` marks the clip's place. */
export interface MarkedTurn {
  readonly role: Message["role"];
  readonly content: string;
}

/** Marks that other trainers replace by media wherever they stand. */
const marks = /<(?:video|image|audio)>/;

const letterOf = (position: number): string => String.fromCharCode(65 + position);

/** True when a text lists the options with their letters already. */
const listsOptions = (text: string, options: readonly string[]): boolean =>
  options.every((option, at) =>
    [". ", ") ", ": "].some((mark) => text.includes(`${letterOf(at)}${mark}${option}`)),
  );

/** The options of a question below each other, and what is wanted; nothing where the text lists them already. */
const optionLines = ({ options = [], answerKind }: Sample, text: string, form: AnswerForm): string => {
  if (answerKind !== "choice" || options.length === 0 || listsOptions(text, options)) return "";
  const lines = options.map((option, at) => `${letterOf(at)}. ${option}`);
  const wanted =
    form === "letter" ? "Answer with the letter of the right option." : "Answer with the right option.";
  return `\n${[...lines, wanted].join("\n")}`;
};

/** The reference answer in the wanted form. */
export const writtenAnswer = ({ answer, answerKind, options = [] }: Sample, form: AnswerForm): string => {
  const at = answerKind === "choice" && form === "letter" ? options.indexOf(answer) : -1;
  return at < 0 ? answer : letterOf(at);
};

/** A wrong option in the wanted form, always the same one of a sample; undefined where there is none to be wrong. */
export const wrongAnswer = (sample: Sample, form: AnswerForm): string | undefined => {
  const { id, answer, answerKind, options = [] } = sample;
  const others = options.filter((option) => option !== answer);
  if (answerKind !== "choice" || others.length === options.length || others.length === 0) return undefined;
  return writtenAnswer({ ...sample, answer: seededRandom("wrong answer", id).pick(others) }, form);
};

/**
 * The worse answer about the same clip that a row names itself, in the wanted form: beside a letter the text of an option
 * would be told by its form. Undefined: it names none.
 */
export const namedWorse = (sample: Sample, form: AnswerForm): string | undefined => {
  const { answer, clip } = sample.rejected ?? {};
  return answer === undefined || clip !== undefined ? undefined : writtenAnswer({ ...sample, answer }, form);
};

/** A worse answer about the same clip: the one that the row names itself, else a wrong option; undefined: there is none. */
export const worseAnswer = (sample: Sample, form: AnswerForm): string | undefined =>
  namedWorse(sample, form) ?? wrongAnswer(sample, form);

type Video = Extract<MessagePart, { type: "video" }>;

/** How the question wants its clip to be looked at. */
export const videoPartOf = ({ messages }: Sample): Video | undefined =>
  messages.flatMap(({ content }) => content).find((part) => part.type === "video");

/** Why a conversation cannot be written as text with one `<video>`; undefined when it can. */
export const conversationFault = (sample: Sample): string | undefined => {
  const { messages } = sample;
  const parts = messages.flatMap(({ content }) => content);
  const videos = parts.filter((part) => part.type === "video");
  if (parts.some(({ type }) => type === "image")) return "the question shows pictures beside the clip";
  if (videos.length > 1) return `the question shows ${videos.length} clips`;
  if (messages.at(-1)?.role !== "user") return "the last turn is not a question";
  const stray = parts.find((part) => part.type === "text" && marks.test(part.text));
  if (stray !== undefined) return "a text says <video>, <image> or <audio>, which trainers replace by media";
  const part = videos[0];
  if (part?.video_start !== undefined || part?.video_end !== undefined)
    return "the question is about a part of the clip (video_start, video_end)";
  return undefined;
};

/** Why a format whose trainer samples a film by itself cannot carry a sample; undefined when it can. */
export const filmFault = (sample: Sample): string | undefined =>
  conversationFault(sample) ??
  (sample.frames === undefined
    ? undefined
    : "its frames are chosen at uneven times, which this format cannot say");

/** The turns before the answer. A conversation without a clip in it gets it in front of the last question. */
export const markedTurns = (sample: Sample, form: AnswerForm): MarkedTurn[] => {
  const shown = videoPartOf(sample) !== undefined;
  return sample.messages.map(({ role, content }, at) => {
    const last = at === sample.messages.length - 1;
    let text = last && !shown ? "<video>" : "";
    for (const part of content) {
      const piece = part.type === "text" ? part.text : "<video>";
      const apart = part.type === "text" && text !== "" && !text.endsWith("<video>");
      text += apart ? ` ${piece}` : piece;
    }
    return { role, content: last ? text + optionLines(sample, text, form) : text };
  });
};

/** The sample with the options of its question listed behind it, and its answer in the wanted form. */
export const askedWithOptions = (sample: Sample, form: AnswerForm): Sample => {
  const last = sample.messages.at(-1);
  if (last === undefined) return sample;
  const said = last.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(" ");
  const lines = optionLines(sample, said, form);
  const answer = writtenAnswer(sample, form);
  if (lines === "") return { ...sample, answer };
  const at = last.content.findLastIndex(({ type }) => type === "text");
  const content = last.content.map(
    (part, i): MessagePart =>
      i === at && part.type === "text" ? { ...part, text: part.text + lines } : part,
  );
  if (at < 0) content.push({ type: "text", text: lines.trimStart() });
  return { ...sample, messages: [...sample.messages.slice(0, -1), { ...last, content }], answer };
};
