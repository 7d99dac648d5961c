import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";

/** One text as a scorer gets it. */
export interface ScorerItem {
  readonly questionId: string;
  readonly candidate: string;
  readonly reference: string;
}

/** What a scorer says about a text, by part ("score" where it has one number only), or why it says nothing. */
export type ScorerVerdict = Readonly<Record<string, number>> | { readonly failure: string };

/** Something outside of this program that gives texts numbers, opened. Close it. */
export interface Scorer extends AsyncDisposable {
  /** What its numbers are kept and shown under, e.g. "COMET". */
  readonly name: string;
  /** Of the model or program behind it; numbers of another version are not mixed with these. */
  readonly version: string;
  /** The names of its numbers. */
  readonly parts: readonly string[];
  /** What an answer gets that is missing or empty; such answers are never sent. */
  readonly missing: Readonly<Record<string, number>>;
  /** Metrics that read its numbers out of records. */
  readonly metrics: readonly string[];
  /** What it takes, where that is known. */
  readonly estimate?: { readonly secondsPerItem?: number; readonly costPerItem?: number };
  readonly batchSize: number;
  /** Batches at the same time. */
  readonly concurrency: number;
  /**
   * One verdict an item, in order.
   *
   * @throws {VideoPerceiverError} when nothing of the batch could be scored
   */
  score(items: readonly ScorerItem[], signal?: AbortSignal): Promise<readonly ScorerVerdict[]>;
}

/** Opens a scorer: asks who it is, before anything is scored. */
export type OpenScorer = (means: { readonly signal: AbortSignal }) => Promise<Scorer>;

/** A plug-in for scorers. */
export type ScorerPlugin = Plugin<OpenScorer>;

/** Declares a scorer. */
export const defineScorer: Define<ScorerPlugin> = definer("scorer");

/** Every scorer in `scorers/`, by file name. */
export const scorerRegistry: Registry<ScorerPlugin> = folderRegistry(
  "scorer",
  new URL("./scorers/", import.meta.url),
);
