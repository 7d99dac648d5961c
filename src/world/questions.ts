import { type Random, seededRandom } from "../core/random.ts";
import type { Sample } from "../dataset/sample.ts";
import { denseCaption, eventCaption } from "./captions.ts";
import type { ClipPlan } from "./plan.ts";
import { colors, counts, periods, places } from "./words.ts";

/** Families of questions: MotionBench's six, when something happens, and two kinds of captions. */
export const worldSkills = [
  "motion-recognition",
  "location-related-motion",
  "camera-motion",
  "motion-related-objects",
  "action-order",
  "repetition-count",
  "when",
  "dense-caption",
  "rare-event-caption",
] as const;
/** A family's name. */
export type WorldSkill = (typeof worldSkills)[number];

/** One question about a clip with its only right answer. */
export interface WorldQuestion {
  readonly skill: WorldSkill;
  /** Stable name of the sentence pattern. */
  readonly template: string;
  readonly question: string;
  readonly answer: string;
  readonly answerKind: Sample["answerKind"];
  /** Of a `choice` question: every possible answer, in an order of its own. */
  readonly options?: readonly string[];
  /** Whether the answer can be seen only in the frames of a transient event. */
  readonly aboutEvent: boolean;
}

/** Makes closed questions whose options are shuffled, each pattern in its own order. */
const closedQuestions =
  (order: Random) =>
  (
    skill: WorldSkill,
    template: string,
    question: string,
    answer: string,
    options: readonly string[],
    aboutEvent: boolean,
  ): WorldQuestion => ({
    skill,
    template,
    question,
    answer,
    answerKind: "choice",
    options: order.fork(template).shuffled(options),
    aboutEvent,
  });

/** Every question about a clip: the closed ones that its story has exactly one answer to, and the two captions. */
export const questionsFor = (plan: ClipPlan): WorldQuestion[] => {
  const closed = closedQuestions(seededRandom("world", plan.seed, "options", plan.index));
  const { profile } = plan;
  const first = plan.events[0]!;
  const hero = plan.actors[first.actor]!;
  const questions: WorldQuestion[] = [];
  if (plan.story !== "order")
    questions.push(
      closed("motion-recognition", "what", "what happens ?", first.what, profile.kinds, true),
      closed("motion-related-objects", "who", "which color does it ?", hero.color, colors, true),
      closed("motion-related-objects", "shape", "which shape does it ?", hero.shape, profile.shapes, true),
    );
  if (plan.story === "single") {
    questions.push(
      closed("location-related-motion", "where", "where does it happen ?", first.place, places, true),
    );
    if (first.period !== undefined)
      questions.push(closed("when", "when", "when does it happen ?", first.period, periods, true));
  }
  if (plan.story === "order")
    questions.push(
      closed("action-order", "first", "what comes first ?", first.what, profile.kinds, true),
      closed("action-order", "last", "what comes last ?", plan.events.at(-1)!.what, profile.kinds, true),
    );
  if (plan.story === "repeat")
    questions.push(
      closed(
        "repetition-count",
        "count",
        "how many times ?",
        counts[plan.events.length - 1]!,
        counts.slice(0, profile.repetitions),
        true,
      ),
    );
  const asked = plan.actors[plan.askedActor]!;
  questions.push(
    closed(
      "motion-recognition",
      "motion",
      `how does the ${asked.color} ${asked.shape} move ?`,
      asked.motion,
      profile.motions,
      false,
    ),
    closed(
      "camera-motion",
      "camera",
      "how does the camera move ?",
      plan.camera.motion,
      profile.cameras,
      false,
    ),
    {
      skill: "rare-event-caption",
      template: "event",
      question: "describe the event .",
      answer: eventCaption(plan),
      answerKind: "open",
      aboutEvent: true,
    },
    {
      skill: "dense-caption",
      template: "dense",
      question: "describe the clip .",
      answer: denseCaption(plan),
      answerKind: "open",
      aboutEvent: false,
    },
  );
  return questions;
};
