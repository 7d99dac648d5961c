import type { FrameBatch } from "../frames/frame-batch.ts";
import type { VideoInfo } from "../video/types.ts";
import type { Decoding } from "./subject.ts";

/** Frames of a clip as a model wants them. */
export interface ModelFrames {
  /** Ascending indices in the clip's timeline, possibly repeated. */
  readonly indices: readonly number[];
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** True times of the frames, where they came with the question and need not be equally far apart. */
  readonly timesSeconds?: readonly number[];
}

/** A model in memory that answers questions about pictures. */
export interface SeeingModel extends AsyncDisposable {
  /** What it is, for a person. */
  readonly kind: string;
  /** Hash of its weights and of what else decides its answers. */
  readonly contentHash: string;
  /** True for one that knows the words of bare questions only: it gets neither options nor instructions. */
  readonly bareQuestions: boolean;
  /** The frames that it looks at: those that are chosen, else its own choice of rate or number where nothing is asked. @throws {ConfigError} */
  look(
    info: VideoInfo,
    asked: { readonly fps?: number; readonly frames?: number; readonly chosen?: readonly number[] },
  ): ModelFrames;
  /** Brings a decoded frame to the size of `look`; rgb24. */
  resize(batch: FrameBatch, position: number, look: ModelFrames): Uint8Array;
  answer(
    pictures: Omit<ModelFrames, "indices"> & { readonly frames: readonly Uint8Array[] },
    question: string,
    decoding: Decoding,
    signal?: AbortSignal,
  ): Promise<string>;
}

/** Opens the model of a folder or a hub name, with a LoRA adapter where one is named. */
export type OpenSeeingModel = (model: string, adapter?: string) => Promise<SeeingModel>;
