import type { Random } from "../core/random.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { EventSpan, Sample } from "./sample.ts";

/** Something that happens, and how often. */
export interface CountedAction {
  readonly what: string;
  readonly times: number;
}

/** A question with two answers, of which the clip shows one. */
export interface Contrast {
  readonly question: string;
  readonly right: string;
  readonly wrong: string;
}

/** What is known of a clip without looking at it. */
export interface DescribedClip {
  /** What happens in it; empty: nobody said. */
  readonly caption: string;
  /** When it happens; empty: nobody said. */
  readonly events: readonly EventSpan[];
  readonly keywords: readonly string[];
  /** How often something happens, where somebody counted. */
  readonly counts?: readonly CountedAction[];
  /** Questions with a right and a wrong answer of one kind, where somebody who looked wrote them. */
  readonly contrasts?: readonly Contrast[];
  /** Captions of other clips of the set: what an answer could have been and is not. */
  readonly otherCaptions?: readonly string[];
  readonly durationSeconds: number;
  /** Draws for this clip alone; equal clips get equal questions. */
  readonly random: Random;
}

export interface BuiltQuestion extends Pick<Sample, "answer" | "answerKind" | "options"> {
  readonly question: string;
  /** Family of questions, e.g. "when". */
  readonly skill: string;
}

/** Makes questions out of what is known of a clip; none where it does not suffice. */
export interface QuestionBuilder {
  build(clip: DescribedClip): readonly BuiltQuestion[];
}

/**
 * Answer and options of a choice question. The right one is put at a place that is drawn first, and the others around it in a
 * drawn order, so that over many questions every letter is right equally often, whoever wrote them in whatever order.
 */
export const choiceOf = (
  answer: string,
  wrong: readonly string[],
  random: Random,
): Required<Pick<BuiltQuestion, "answer" | "answerKind" | "options">> => {
  const place = random.integer(wrong.length + 1);
  const options = random.shuffled(wrong);
  return { answer, answerKind: "choice", options: options.toSpliced(place, 0, answer) };
};

/** What happens, as it can stand within a question; empty for nothing. */
export const quoted = (what: string): string =>
  what
    .replace(/[.?!\s]+$/, "")
    .replaceAll('"', "'")
    .trim();

/** A question builder's file: `questions/<name>.ts`. */
export type QuestionBuilderPlugin = Plugin<QuestionBuilder>;

/** Declares a question builder. */
export const defineQuestionBuilder: Define<QuestionBuilderPlugin> = definer("question builder");

/** Every question builder, by file name. */
export const questionBuilders: Registry<QuestionBuilderPlugin> = folderRegistry<QuestionBuilderPlugin>(
  "question builder",
  new URL("./questions/", import.meta.url),
);
