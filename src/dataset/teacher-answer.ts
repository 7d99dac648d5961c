import { z } from "zod";
import { otherLanguage } from "../absent/language/caption-language.ts";
import { installedWordNet } from "../absent/language/wordnet.ts";
import { UnusableAnswer } from "../core/endpoint.ts";
import { repeatedKey } from "../core/json-text.ts";
import { explainZod } from "../core/registry.ts";
import type { TaughtFacts } from "./teacher.ts";

/** How a teacher is asked. Raised with every change of the texts or the schema below. */
export const teacherPromptVersion: string = "1";

/** Who is asked. */
export const teacherSystem: string =
  "You describe short video clips for people who train models to see brief events. You are shown frames of one clip in " +
  "order, each behind its time in seconds. Say only what the frames show. Leave out whatever you are not sure of: an empty " +
  "list is a good answer.";

/** What is asked, behind the frames. */
export const teacherQuestion = (durationSeconds: number): string =>
  `The clip is ${durationSeconds.toFixed(2)} s long. Answer with one JSON object and nothing else:
- "caption": one or two plain English sentences on what happens, above all the brief actions and changes. Nothing that is heard, thought or outside of the picture.
- "events": what happens (no states), in order of time, each {"what", "start", "end"}: "what" a short clause such as "a hand knocks over the cup", every one worded differently; "start" and "end" in seconds.
- "counts": repeated actions whose number can be told from the frames, each {"what", "times"}.
- "contrasts": questions about a brief action (its direction, hand, object, manner or result) that only somebody who saw it can answer, each {"question", "right", "wrong"}: "question" one sentence that ends with a question mark and holds neither answer; "wrong" an answer of the same kind and length that the clip does not show.`;

const list = (properties: Readonly<Record<string, { readonly type: string }>>): object => ({
  type: "array",
  items: {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  },
});
const [text, number] = [{ type: "string" }, { type: "number" }];

/** JSON schema of the answer, for endpoints that hold their models to one. */
export const teacherSchema: Record<string, unknown> = {
  type: "object",
  properties: {
    caption: text,
    events: list({ what: text, start: number, end: number }),
    counts: list({ what: text, times: { type: "integer" } }),
    contrasts: list({ question: text, right: text, wrong: text }),
  },
  required: ["caption", "events", "counts", "contrasts"],
  additionalProperties: false,
};

const line = (most: number): z.ZodType<string> =>
  z
    .string()
    .transform((said) => said.replace(/[\p{Cc}\s]+/gu, " ").trim())
    .pipe(z.string().min(1).max(most));
const items = z.array(z.unknown()).max(100).default([]);
const answerShape = z.object({
  caption: line(1000),
  events: items,
  counts: items,
  contrasts: items,
});
const eventShape = z.object({ what: line(160), start: z.number().min(0), end: z.number() });
const countShape = z.object({ what: line(160), times: z.int().min(1).max(1000) });
const contrastShape = z.object({
  question: line(300).pipe(z.string().regex(/\?$/)),
  right: line(160),
  wrong: line(160),
});

/** Annotations round: an event may end so much behind the clip, and is cut there. */
const roundedSeconds = 0.5;

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
};

/** The JSON object in a text: all of it, or what stands in it between braces. @throws {UnusableAnswer} for none, and for two values of one name */
const objectIn = (said: string): unknown => {
  for (const candidate of [said, said.slice(said.indexOf("{"), said.lastIndexOf("}") + 1)])
    if (isJson(candidate)) {
      const twice = repeatedKey(candidate);
      if (twice === undefined) return JSON.parse(candidate);
      const reason = `${JSON.stringify(twice.key.slice(0, 40))} stands twice in one object of the answer`;
      throw new UnusableAnswer("malformed", reason, true);
    }
  throw new UnusableAnswer("malformed", `the answer is no JSON: ${JSON.stringify(said.slice(0, 80))}`, true);
};

/**
 * What a teacher's text says of a clip. Parts that cannot be used are left out, each with its reason.
 *
 * @throws {UnusableAnswer} for a text that is no such answer
 */
export const readTeacherAnswer = (
  said: string,
  durationSeconds: number,
): { readonly facts: TaughtFacts; readonly dropped: readonly string[] } => {
  if (said.trim() === "") throw new UnusableAnswer("empty", "the endpoint answered without text", true);
  const answer = answerShape.safeParse(objectIn(said));
  if (!answer.success)
    throw new UnusableAnswer(
      "malformed",
      `not the answer that was asked for: ${explainZod(answer.error)}`,
      true,
    );
  const foreign = otherLanguage(answer.data.caption, installedWordNet());
  if (foreign !== undefined)
    throw new UnusableAnswer("malformed", `the caption is not English, as was asked: ${foreign}`, true);
  const dropped: string[] = [];
  const usable = <T>(
    kind: string,
    shape: z.ZodType<T>,
    all: readonly unknown[],
    wrong: (one: T) => string | undefined,
  ): T[] =>
    all.flatMap((one, at) => {
      const read = shape.safeParse(one);
      const reason = read.success ? wrong(read.data) : explainZod(read.error);
      if (reason !== undefined) dropped.push(`${kind} ${at + 1}: ${reason}`);
      return read.success && reason === undefined ? [read.data] : [];
    });
  const events = usable("event", eventShape, answer.data.events, ({ start, end }) => {
    if (end <= start) return `ends at ${end} s and starts at ${start} s`;
    if (start >= durationSeconds || end > durationSeconds + roundedSeconds)
      return `${start} to ${end} s is not in a clip of ${durationSeconds.toFixed(2)} s`;
    return undefined;
  });
  const counts = usable("count", countShape, answer.data.counts, () => undefined);
  const contrasts = usable("contrast", contrastShape, answer.data.contrasts, ({ right, wrong }) =>
    right.toLowerCase() === wrong.toLowerCase() ? "both answers are the same" : undefined,
  );
  return {
    facts: {
      caption: answer.data.caption,
      events: events
        .map(({ what, start, end }) => ({
          startSeconds: start,
          endSeconds: Math.min(end, durationSeconds),
          what,
        }))
        .toSorted((a, b) => a.startSeconds - b.startSeconds),
      counts,
      contrasts,
    },
    dropped,
  };
};
