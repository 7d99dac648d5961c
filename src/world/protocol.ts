import type { EncodeOptions } from "../video/request.ts";
import type { WorldSeed } from "./balance.ts";
import type { WorldProfile } from "./profile.ts";

/**
 * Version of the generator. Raised whenever the same seed gives other clips, questions or answers, so that an unfinished
 * world is never continued by another generator; `test/unit/world/version.test.ts` notices when that is forgotten.
 */
export const worldVersion = 2;

/** How clips are written: small files, fast to write and to read again. */
export const worldEncoding: Required<EncodeOptions> = {
  preset: "superfast",
  crf: 23,
  gop: 250,
  ticksPerSecond: 12_800,
};

/** Everything that a worker has to know. */
export interface WorldOrder {
  readonly seed: WorldSeed;
  readonly count: number;
  readonly profile: WorldProfile;
  readonly out: string;
}

/** A clip that was written, with the lines it adds to the data set. */
export interface FinishedClip {
  readonly index: number;
  readonly sha256: string;
  readonly bytes: number;
  readonly truth: string;
  /** Skill and line of every sample. */
  readonly rows: readonly (readonly [string, string])[];
}

/** What a chunk file holds: its clips in order. */
export interface FinishedChunk {
  readonly clips: readonly FinishedClip[];
}

/** From the program to a worker. */
export type ToWorldWorker =
  | { readonly type: "begin"; readonly order: WorldOrder }
  | { readonly type: "chunk"; readonly chunk: number };

/** From a worker to the program. */
export type FromWorldWorker =
  | { readonly type: "ready"; readonly encoder: { readonly name: string; readonly version: string } }
  | { readonly type: "clip" }
  | { readonly type: "done"; readonly chunk: number }
  | { readonly type: "failed"; readonly message: string; readonly usersFault: boolean };

/** Clips of one chunk: lost at most once more when a worker is killed. */
export const chunkClips = 64;

/** Folder of unfinished work inside the data set folder. */
export const workFolder = ".world";

/** File of a finished chunk, relative to the data set folder. */
export const chunkFile = (chunk: number): string =>
  `${workFolder}/chunk-${String(chunk).padStart(5, "0")}.json`;
