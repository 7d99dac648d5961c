import type { Rejection } from "../../dataset/schema.ts";
import type { ClipReading, ClipStore } from "../build/protocol.ts";

/** Pictures as files in the message, or one short clip that shows them one after the other. */
export type FragmentForm = "images" | "clip";

/** Every question alone, or all questions about a fragment one after the other. */
export type FragmentMode = "independent" | "dialogue";

/** What decides how the fragments of a clip come out. Equal settings and equal clips give equal files. */
export interface FragmentSettings {
  /** Names and parameters as a person writes them. */
  readonly tasks: readonly string[];
  readonly selector: string;
  readonly perClip: number;
  readonly seed: number;
  readonly form: FragmentForm;
  readonly mode: FragmentMode;
  /** Longest side of a shown picture. */
  readonly pixels: number;
  readonly windowSeconds: number;
  readonly framesPerWindow: number;
  readonly store: ClipStore;
}

/** Everything that making a clip's fragments has to know. */
export interface FragmentOrder {
  readonly out: string;
  readonly settings: FragmentSettings;
  readonly reading: ClipReading;
}

/** One question as it stands in a clip's result. */
export interface FragmentRow {
  readonly id: string;
  readonly task: string;
  /** Line of `samples-*.jsonl`. */
  readonly line: string;
  /** Files of the data set that the question shows. */
  readonly files: readonly string[];
  /** A strip of its pictures for the page (base64 of a JPEG); the first clips have one. */
  readonly strip?: string;
}

/** What becomes of a clip. */
export interface FragmentClip {
  readonly position: number;
  /** Content of the clip that the fragments are of; null: it was not read. */
  readonly sha256: string | null;
  readonly rows: readonly FragmentRow[];
  readonly rejected: readonly Rejection[];
}

/** Clips of which the page shows the fragments. */
export const shownClips = 60;
/** Folder of pictures, inside the data set's. */
export const picturesFolder = "pictures";
/** A frame of a short clip lasts so long: the time of its place, whatever its true time was. */
export const frameSeconds = 0.5;
/** Frames of a short clip that show one picture. */
export const framesOfPicture = 2;
/**
 * The frames of a short clip that shows these pictures: two of each. At two frames a second, the usual rate, they fill a
 * temporal step of two frames, so that no step mixes two pictures; readers that take an even number of frames, as Qwen's
 * do, lose none.
 */
export const shortClipFrames = <Picture>(pictures: readonly Picture[]): Picture[] =>
  pictures.flatMap((picture) => Array.from({ length: framesOfPicture }, () => picture));
