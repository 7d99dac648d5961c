/** The contract of the small frame-text encoder: it is opened to score frames, or made new to be trained. */
import type { DualEncoderConfig } from "../model/dual-encoder-config.ts";
import type { SaveOptions, UpdateOptions } from "./contract.ts";

/** An encoder that scores frames against keywords. */
export interface FrameTextEncoder {
  readonly config: DualEncoderConfig;
  /** SHA-256 of the weights. */
  readonly version: string;
  /**
   * Cosine of each frame's best patch with the keywords.
   *
   * @param frames  rgb24 pictures of the configured size, in order of time
   * @throws {ConfigError} for a keyword that it has never seen
   */
  score(frames: readonly Uint8Array[], keywords: readonly string[]): Promise<Float64Array>;
  close(): Promise<void>;
}

/** Sizes of a step: clips, frames of each, and the temperature that divides cosines. */
export interface DualEncoderStepShape {
  readonly clips: number;
  readonly framesPerClip: number;
  readonly temperature: number;
}

/** An encoder in training. */
export interface EncoderTrainee extends AsyncDisposable {
  /** Computes loss and gradient. @returns the loss in nats */
  step(numbers: Readonly<Record<string, Float32Array>>): Promise<number>;
  /** Applies the gradient. */
  update(rule: UpdateOptions): Promise<void>;
  /** Writes configuration and weights, and the optimizer's state where training is to go on. */
  save(folder: string, options?: Pick<SaveOptions, "optimizer">): Promise<void>;
  /** Reads what {@link save} wrote, with the optimizer's state. @throws {WeightsError} for another encoder's */
  load(folder: string): Promise<void>;
}

/** What an engine offers that computes this encoder. */
export interface DualEncoderOpener {
  /** Opens a folder. @throws {DataFormatError} {@link WeightsError} when it is not such an encoder */
  open(folder: string, threads: number): Promise<FrameTextEncoder>;
  /** A new encoder, its weights drawn by `seed`, for steps of one shape. */
  create(
    config: DualEncoderConfig,
    seed: number,
    shape: DualEncoderStepShape,
    threads: number,
  ): Promise<EncoderTrainee>;
}
