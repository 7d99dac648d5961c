import type { Random } from "../core/random.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { EventSpan, Sample } from "./sample.ts";

/** What is known of a clip without looking at it. */
export interface DescribedClip {
  /** What happens in it; empty: nobody said. */
  readonly caption: string;
  /** When it happens; empty: nobody said. */
  readonly events: readonly EventSpan[];
  readonly keywords: readonly string[];
  readonly durationSeconds: number;
  /** Draws for this clip alone; equal clips get equal questions. */
  readonly random: Random;
}

/** A question that was built, and its answer. */
export interface BuiltQuestion extends Pick<Sample, "answer" | "answerKind" | "options"> {
  readonly question: string;
  /** Family of questions, e.g. "when". */
  readonly skill: string;
}

/** Makes questions out of what is known of a clip; none where it does not suffice. */
export interface QuestionBuilder {
  build(clip: DescribedClip): readonly BuiltQuestion[];
}

/** A question builder's file: `questions/<name>.ts`. */
export type QuestionBuilderPlugin = Plugin<QuestionBuilder>;

/** Declares a question builder. */
export const defineQuestionBuilder: Define<QuestionBuilderPlugin> = definer("question builder");

/** Every question builder, by file name. */
export const questionBuilders: Registry<QuestionBuilderPlugin> = folderRegistry<QuestionBuilderPlugin>(
  "question builder",
  new URL("./questions/", import.meta.url),
);
