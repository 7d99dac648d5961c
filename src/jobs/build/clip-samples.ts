import { seededRandom } from "../../core/random.ts";
import type { Made } from "../../core/registry.ts";
import { asUserMessages } from "../../dataset/chat-messages.ts";
import type { QuestionBuilder } from "../../dataset/questions.ts";
import type { AbsentReference, ClipReference, EventSpan, Message, Sample } from "../../dataset/sample.ts";
import type { SourceRow } from "../../dataset/sources.ts";
import type { TaughtFacts } from "../../dataset/teacher.ts";

/** What a row's samples have in common. */
export interface RowSamples {
  readonly row: SourceRow;
  readonly clip: ClipReference;
  readonly absent: AbsentReference | undefined;
  readonly events: readonly EventSpan[];
  readonly keywords: readonly string[];
  /** The frames that are looked at, where they are chosen with the sample. */
  readonly frames: readonly number[] | undefined;
  /** Captions of other clips. */
  readonly otherCaptions: readonly string[];
  /** What the teacher said of the clip. */
  readonly facts: TaughtFacts | undefined;
  readonly rejected: Pick<Sample, "rejected">;
  readonly provenance: Readonly<Record<string, unknown>>;
  /** The row's place among all rows of the build. */
  readonly place: number;
}

/**
 * The options with the right one where its turn is: of any `options.length` rows that follow one another, each has it at
 * another place. Where places were drawn for every row alone, one letter was right in 24 of 65 questions with four.
 */
const inTurn = <Question extends Pick<Sample, "answer" | "options">>(
  question: Question,
  turn: number,
  seed: readonly (string | number)[],
): Question => {
  const { answer, options } = question;
  if (options === undefined) return question;
  const count = options.length;
  const random = seededRandom(...seed, "letters", count, Math.floor(turn / count));
  const place = random.shuffled(options.map((_, at) => at))[turn % count]!;
  const wrong = options.filter((option) => option !== answer);
  return { ...question, options: wrong.toSpliced(place, 0, answer) };
};

/** The same messages about the clip's file in the data set. */
const aboutClip = (messages: readonly Message[], file: string): Message[] =>
  messages.map((message) => ({
    ...message,
    content: message.content.map((part) => (part.type === "video" ? { ...part, video: file } : part)),
  }));

/** The row's own question, or those that the builders make of its caption and events. */
export const samplesOfRow = (
  {
    row,
    clip,
    absent,
    events,
    keywords,
    frames,
    otherCaptions,
    facts,
    rejected,
    provenance,
    place,
  }: RowSamples,
  builders: readonly Made<QuestionBuilder>[],
  seed: number,
): Sample[] => {
  const { caption: _, frameEvents: __, rejected: ___, messages, answer, answerKind, ...rest } = row;
  const common = {
    ...rest,
    clip,
    ...(absent && { absent }),
    ...(frames && { frames }),
    ...(keywords.length > 0 && { keywords }),
    ...(events.length > 0 && { events }),
    provenance,
  };
  if (messages !== undefined && answer !== undefined && answerKind !== undefined)
    return [{ ...common, ...rejected, messages: aboutClip(messages, clip.file), answer, answerKind }];
  return builders.flatMap(({ value, recipe }) => {
    const random = seededRandom(seed, "questions", recipe.name, clip.sha256, row.id);
    const durationSeconds = clip.durationSeconds ?? clip.timeline.at(-1)?.timeSeconds ?? 0;
    const caption = row.caption ?? "";
    const built = value.build({
      caption,
      // What somebody annotated goes before what a teacher thinks to have seen.
      events: events.length > 0 ? events : (facts?.events ?? []),
      keywords,
      ...(facts && facts.counts.length > 0 && { counts: facts.counts }),
      ...(facts && { contrasts: facts.contrasts }),
      otherCaptions,
      durationSeconds,
      random,
    });
    return built.map(({ question, ...made }, at) => ({
      ...common,
      ...inTurn(made, place + at, [seed, recipe.name]),
      id: `${row.id}/${recipe.name}-${at + 1}`,
      messages: asUserMessages(clip.file, question),
      provenance: { ...provenance, questionBuilder: recipe },
    }));
  });
};
