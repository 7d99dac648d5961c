import type { PairSource } from "../absent/pair-source.ts";
import {
  type Define,
  definer,
  folderRegistry,
  type MadeBy,
  type Plugin,
  type Registry,
} from "../core/registry.ts";
import type { Contrast, CountedAction } from "./questions.ts";
import type { EventSpan } from "./sample.ts";

/** What a teacher says of a clip. It states facts; our own question builders ask about them. */
export interface TaughtFacts {
  /** What happens, above all the brief things; never empty. */
  readonly caption: string;
  /** What happens when, in order of time; inside the clip. */
  readonly events: readonly EventSpan[];
  readonly counts: readonly CountedAction[];
  readonly contrasts: readonly Contrast[];
}

/** What asking cost. */
export interface TeacherUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** In the currency of the prices that were given; 0 when none were. */
  readonly cost: number;
}

/** What became of a clip. Only `ok` carries facts; nothing is ever filled in for the others. */
export type TeacherOutcome =
  | {
      readonly status: "ok";
      readonly facts: TaughtFacts;
      /** Parts of the answer that could not be used, each with its reason. */
      readonly dropped: readonly string[];
      readonly usage: TeacherUsage;
    }
  | {
      readonly status: "failed";
      /** In one line: the kind of failure and what the endpoint said. */
      readonly reason: string;
      /** True when the same question may be answered another time: the endpoint was busy, broken or away. */
      readonly mayAnswerLater: boolean;
    };

/** What asking about so many clips takes at most. */
export interface TeacherEstimate {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: number;
  /** Seconds that a rate limit asks for; 0 without one. */
  readonly leastSeconds: number;
}

/** Where a teacher works. */
export interface TeacherContext {
  /** Folders in which answers are kept by content; the first one is asked first, and all get new ones. */
  readonly answersFolders: readonly string[];
  /** How many processes of this machine ask at the same time; a rate limit is shared among them. */
  readonly processes: number;
}

/** Somebody who looks at clips and says what happens. */
export interface Teacher {
  /** What decides its answers, without addresses and keys: part of what is recorded. */
  readonly record: MadeBy;
  /** What clips cost at most. */
  estimate(clips: number): TeacherEstimate;
  /** Ready to be asked; never throws for a clip of which it can say nothing. */
  open(context: TeacherContext): (clip: PairSource, signal: AbortSignal) => Promise<TeacherOutcome>;
}

/** A teacher's file: `teachers/<name>.ts`. */
export type TeacherPlugin = Plugin<Teacher>;

/** Declares a teacher. */
export const defineTeacher: Define<TeacherPlugin> = definer("teacher");

/** Every teacher, by file name. */
export const teachers: Registry<TeacherPlugin> = folderRegistry<TeacherPlugin>(
  "teacher",
  new URL("./teachers/", import.meta.url),
);
