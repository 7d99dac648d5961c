import type { MadeBy } from "../../core/registry.ts";
import type { Rejection } from "../../dataset/schema.ts";
import type { TeacherUsage } from "../../dataset/teacher.ts";
import type { FineVidBenchRow } from "../../evaluation/finevidbench-layout.ts";
import type { ActionEffect } from "../../fragments/finevidbench/actions.ts";
import type { FilmSpeed } from "../../fragments/finevidbench/speed-variants.ts";
import type { ClipReading } from "../build/protocol.ts";
import type { FragmentMode } from "../fragments/protocol.ts";

/** What decides how the questions of a clip come out. Equal settings and equal clips give equal files. */
export interface FineVidBenchSettings {
  readonly selector: string;
  /** Sets of key frames of a clip: each is asked about once by every fragment task. */
  readonly sets: number;
  readonly mode: FragmentMode;
  readonly seed: number;
  /** Longest side of a film. */
  readonly pixels: number;
  readonly windowSeconds: number;
  readonly framesPerWindow: number;
  /** Content of the maintained lists of changes and of visual synonyms, by file name. */
  readonly lists: Readonly<Record<string, string>>;
  /** Content of the file of visual synonyms of a person's own. */
  readonly synonyms?: string;
  /** Who was asked what the clips show, without address and key; left out: nobody. */
  readonly teacher?: MadeBy;
}

/** Everything that making a clip's questions has to know. */
export interface FineVidBenchOrder {
  readonly out: string;
  readonly settings: FineVidBenchSettings;
  readonly reading: ClipReading;
}

/** A film that was written. */
export interface Film {
  /** Relative to the benchmark's folder. */
  readonly file: string;
  readonly frames: number;
}

/** What becomes of a clip: everything but its scene questions, whose wrong answers are other clips'. */
export interface BenchmarkClip {
  readonly position: number;
  /** The clip as messages name it. */
  readonly name: string;
  /** Content of the clip; null: it was not read. */
  readonly sha256: string | null;
  readonly print: string | null;
  readonly durationSeconds: number;
  /** Questions about fragments. */
  readonly rows: readonly FineVidBenchRow[];
  /** What happens, by captions, spans and the teacher. */
  readonly actions: readonly string[];
  /** Why nothing is known, where that has a reason of its own. */
  readonly unlabelled?: string;
  /** The whole clip at its speeds; null: too short. */
  readonly scene: Readonly<Record<"slow" | "normal" | "fast", Film>> | null;
  /** Films of one stretch at all speeds; null: there is none to be had. */
  readonly speeds: Readonly<Record<FilmSpeed, Film>> | null;
  /** The change that can be seen, and the film that shows it; null: none is known. */
  readonly effect: (ActionEffect & { readonly film: Film; readonly reversed: boolean }) | null;
  readonly rejected: readonly Rejection[];
  readonly teacherUsage?: TeacherUsage;
  /** A few frames for the page (base64 of a JPEG); the first clips have them. */
  readonly strip?: string;
}
