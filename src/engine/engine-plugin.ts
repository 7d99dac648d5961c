import { type Define, definer, type Plugin } from "../core/registry.ts";
import type { ModelPart } from "../model/joint-parameters.ts";
import type { Engine } from "./contract.ts";
import type { DualEncoderOpener } from "./dual-encoder.ts";

/**
 * What of a model is trained: everything, nothing, its adapter and what that replaces whole, or parts of the model, the
 * adapter being one of them.
 */
export type TrainedWeights = "all" | "none" | "adapter" | readonly (ModelPart | "adapter")[];

/**
 * Where an engine may keep what a vision tower that is not trained, its merger too, makes of pictures, so that it is
 * computed once for each content. Numbers are the same to rounding, and the same bit for bit whenever they are asked for.
 */
export interface FeatureKeeping {
  /** In this process; what was used longest ago goes first. */
  readonly memoryBytes: number;
  /** On disk, for later runs too; left out: nowhere. */
  readonly disk?: { readonly folder: string; readonly bytes: number };
  /** Told when the disk takes no more; the run goes on. */
  readonly onTrouble?: (line: string) => void;
}

/** What an engine is asked to open. */
export interface EngineRequest {
  /** Checkpoint in Hugging Face layout. */
  readonly folder: string;
  readonly trained: TrainedWeights;
  /** PEFT folder of an adapter that is used too. */
  readonly adapterFolder?: string;
  /** Threads of this machine that it may use. */
  readonly threads: number;
  /** How many shapes of batches come again and again: an engine that compiles by shape keeps as many. */
  readonly recurringShapes?: number;
  /** Left out: the tower computes pictures whenever they are shown. An engine may ignore it; `torch` does. */
  readonly features?: FeatureKeeping;
}

/** A model that is ready to compute. */
export interface ReadyEngine {
  readonly engine: Engine;
  /** What a person should know about the checkpoint. */
  readonly warnings: readonly string[];
}

/** An implementation of the contract: opens models. */
export interface EngineOpener {
  /**
   * @throws {WeightsError} when weights or adapter do not fit the configuration
   * @throws {EngineLostError} when what computes for it ends before the model is open
   */
  open(request: EngineRequest): Promise<ReadyEngine>;
  /** Missing where it cannot compute the small frame-text encoder. */
  readonly dualEncoder?: DualEncoderOpener;
}

/** An engine as its folder's `opener.ts` exports it. */
export interface EnginePlugin extends Plugin<EngineOpener> {}

/** Declares an engine. */
export const defineEngine: Define<EnginePlugin> = definer("engine");
