import { join } from "node:path";
import type { KeywordUsage } from "../../absent/keywords.ts";
import type { EndpointSpending } from "../../core/endpoint-cost.ts";
import type { MadeBy } from "../../core/registry.ts";
import type { Rejection } from "../../dataset/schema.ts";
import type { SourceRow } from "../../dataset/sources.ts";
import type { TeacherUsage } from "../../dataset/teacher.ts";
import type { DecoderChoice } from "../../video/service.ts";
import type { PairPreview, PreviewSize } from "./preview.ts";

/** How a clip gets into the data set's folder: a second name of the file, a copy, or a path that leads out of it. */
export type ClipStore = "link" | "copy" | "refer";

/** What decides how the pairs and questions of a clip come out. Equal settings and equal clips give equal results. */
export interface ClipSettings {
  /** A relevance provider, or "auto": known events where a row has them, else motion. */
  readonly relevance: string;
  readonly builder: string;
  readonly extractor: string;
  /** Frames scored a second, "all" or "auto". */
  readonly scored: number | "all" | "auto";
  /** Question builders for rows that have no question of their own; `NAME` or `NAME:key=value,...`. */
  readonly questions: readonly string[];
  readonly seed: number;
  readonly store: ClipStore;
  readonly preview: PreviewSize;
  /** Keep rows whose twin shows the same as the complete clip, without a twin. */
  readonly untwinned: boolean;
  /** About this share of a sample's frames lies in its events; left out: whoever looks chooses frames. */
  readonly sparsify?: number;
  /** Who was asked what the clips show, without address and key; left out: nobody. */
  readonly teacher?: MadeBy;
}

/** How the machine that works reads clips; changes nothing of the result. */
export interface ClipReading {
  readonly decoder: DecoderChoice;
  /** Keep scores, and use those that were kept. */
  readonly cache: boolean;
  readonly cacheSize: number;
  readonly maxPicture?: number;
}

/** Everything that a worker has to know. */
export interface BuildOrder {
  readonly out: string;
  readonly settings: ClipSettings;
  readonly reading: ClipReading;
  readonly plugins: readonly string[];
  /** Captions of the set, or some of them: wrong answers about other clips. They follow from the plan. */
  readonly captions: readonly string[];
  /** `NAME:ARGUMENT` of the teacher, and how many processes of a machine ask it. */
  readonly teacher?: string;
  readonly processes: number;
}

/** A row and the source that it is of, counted from 0. */
export interface PlannedRow {
  readonly row: SourceRow;
  readonly sourceNumber: number;
}

/** One clip and all rows about it: the unit of work. */
export interface PlannedClip {
  /** Place in the order of the output. */
  readonly position: number;
  /** The clip's file. */
  readonly path: string;
  /** The file as messages name it. */
  readonly name: string;
  readonly rows: readonly PlannedRow[];
  /** How many rows the clips before it have: its first row's place in the whole build. */
  readonly firstRow: number;
}

/** What the page shows of a row that became a pair. */
export interface PairView {
  readonly durationSeconds: number;
  readonly frames: number;
  readonly relevance: string;
  readonly builder: string;
  /** Replaced frames as a share of the clip's. */
  readonly share: number;
  /** Share of the events' frames that is gone; null: no events are known. */
  readonly eventsGone: number | null;
  /** Scored times and scores, coarse. */
  readonly curve: readonly (readonly [number, number])[];
  readonly keys: readonly number[];
  readonly preview: PairPreview;
}

/** A row that became samples. */
export interface BuiltRow {
  readonly id: string;
  /** Where the row stands. */
  readonly source: string;
  /** Which of the sources it is of, from 0. */
  readonly sourceNumber: number;
  /** Lines of `samples-*.jsonl`. */
  readonly samples: readonly string[];
  readonly view: PairView;
  /** What a language model's keywords cost. */
  readonly keywordUsage?: KeywordUsage;
}

/** What becomes of a clip. */
export interface BuiltClip {
  readonly position: number;
  readonly sha256: string | null;
  /** Perceptual hash; null: not read, or a clip that shows nothing. */
  readonly print: string | null;
  readonly durationSeconds: number;
  readonly rows: readonly BuiltRow[];
  readonly rejected: readonly Rejection[];
  /** What the teacher's answer cost. */
  readonly teacherUsage?: TeacherUsage;
}

/** From the program to a worker. */
export type ToBuildWorker =
  | { readonly type: "begin"; readonly order: BuildOrder }
  | { readonly type: "clip"; readonly clip: PlannedClip };

/** From a worker to the program. */
export type FromBuildWorker =
  | { readonly type: "ready" }
  | { readonly type: "alive" }
  | {
      readonly type: "done";
      readonly position: number;
      readonly rows: number;
      readonly rejected: number;
      readonly seconds: number;
      readonly videoSeconds: number;
      /** Whether all of its scores were computed: kept ones cost no time, and say nothing of other clips. */
      readonly isMeasure: boolean;
      /** What endpoints cost for the clip. */
      readonly cost: EndpointSpending;
    }
  /** Without a position no clip is at fault: the worker cannot work, and no other one could. */
  | { readonly type: "failed"; readonly position: number | null; readonly message: string };

/** Folder of the work inside the data set folder. It stays: with it, the same build with other rules takes seconds. */
export const buildFolder = ".build";

/** Folder of the answers that endpoints gave, by content: what was answered is never asked again. */
export const answersFolder = (out: string): string => join(out, buildFolder, "answers");

/** Folder with a file for each clip whose teacher could not answer just then; the same command asks those again. */
export const unansweredFolder = (out: string): string => join(out, buildFolder, "unanswered");

/** File of a finished clip, relative to the data set folder. */
export const resultFile = (position: number): string => {
  const name = String(position).padStart(8, "0");
  return `${buildFolder}/results/${name.slice(0, 5)}/${name}.json`;
};
